// Graphs: what was issued to a stream while it was captured, to be issued again as a whole.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "../abi/cuda_graphs.h"
#include "executor.h"

namespace spos::simt {

// What one call issued. Each launch of the graph runs a copy: what runs may use up what it holds.
struct GraphNode {
    std::string what;
    std::function<Failure()> run;
};

}  // namespace spos::simt

struct CUgraph_st {
    int device;  // whose context it was captured in
    std::vector<spos::simt::GraphNode> nodes;
    bool valid = true;  // false once a call came that no capture takes
};

struct CUgraphExec_st {
    int device;
    std::vector<spos::simt::GraphNode> nodes;
};
