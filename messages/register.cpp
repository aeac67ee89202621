// Instantiates the wire code of all message types, once.
#include "messages/register.hpp"

#include "messages/actors.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <caf/io/middleman.hpp>

namespace troupe {

void register_message_types() {
  caf::init_global_meta_objects<caf::id_block::troupe>();
  caf::init_global_meta_objects<caf::id_block::troupe_actors>();
  caf::io::middleman::init_global_meta_objects();
  caf::core::init_global_meta_objects();
}

} // namespace troupe
