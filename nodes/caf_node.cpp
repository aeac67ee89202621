// caf-node: one program, four roles.
#include "nodes/node_main.hpp"

int main(int argc, char** argv) {
  return troupe::nodes::node_main(argc, argv);
}
