// What the CUDA driver offers to issue work as one graph: used where it is there. Names, values and signatures as in
// NVIDIA's CUDA Driver API reference.
#pragma once

#include "cuda_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CUgraph_st* CUgraph;
typedef struct CUgraphExec_st* CUgraphExec;

typedef enum : int {
    CU_STREAM_CAPTURE_MODE_GLOBAL = 0,
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,
    CU_STREAM_CAPTURE_MODE_RELAXED = 2
} CUstreamCaptureMode;

// From here to the end of the capture, what is issued to the stream is noted and does not run.
SPOS_API CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode);
SPOS_API CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph);
SPOS_API CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long flags);
SPOS_API CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream);
SPOS_API CUresult cuGraphExecDestroy(CUgraphExec executable);
SPOS_API CUresult cuGraphDestroy(CUgraph graph);

#ifdef __cplusplus
}
#endif
