#include "actors/gateway.hpp"

#include "actors/jobs/job_store_actors.hpp"
#include "messages/register.hpp"

#include <caf/init_global_meta_objects.hpp>

namespace troupe {

void register_node_types() {
  caf::init_global_meta_objects<caf::id_block::troupe_storage>();
  caf::init_global_meta_objects<caf::id_block::troupe_jobs>();
  caf::init_global_meta_objects<caf::id_block::troupe_local>();
  register_message_types();
}

} // namespace troupe
