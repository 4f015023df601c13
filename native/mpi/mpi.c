/* What src/Spos.Engine/Ranks needs of MPI, in ints and pointers alone: handles and constants differ between MPIs, so this is built with
 * the mpicc that is there. Nothing blocks but the end, so that signs of life are sent and heard whatever is waited for. The caller makes
 * one call at a time (MPI_THREAD_SERIALIZED). Functions return MPI's error, or 0. */
#include <mpi.h>
#include <stddef.h>

#define SPOS_EXPORT __attribute__((visibility("default")))

enum { kNoThreads = -1 };

static MPI_Comm work, life;
static MPI_Request request = MPI_REQUEST_NULL;
static const char beat = 1;

/* local_ranks: processes on this machine. */
SPOS_EXPORT int spos_mpi_begin(int* rank, int* ranks, int* local_ranks) {
    int provided = 0;
    int error = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (error) return error;
    if (provided < MPI_THREAD_SERIALIZED) return kNoThreads;
    MPI_Comm local;
    if ((error = MPI_Comm_dup(MPI_COMM_WORLD, &work)) || (error = MPI_Comm_dup(MPI_COMM_WORLD, &life)) ||
        (error = MPI_Comm_set_errhandler(work, MPI_ERRORS_RETURN)) || (error = MPI_Comm_set_errhandler(life, MPI_ERRORS_RETURN)) ||
        (error = MPI_Comm_rank(work, rank)) || (error = MPI_Comm_size(work, ranks)) ||
        (error = MPI_Comm_split_type(work, MPI_COMM_TYPE_SHARED, *rank, MPI_INFO_NULL, &local)) ||
        (error = MPI_Comm_size(local, local_ranks)))
        return error;
    return MPI_Comm_free(&local);
}

/* Begins to send floats to each rank and to receive from each; counts and places by rank. */
SPOS_EXPORT int spos_mpi_exchange(const float* sent, const int* sent_counts, const int* sent_places, float* received,
                                  const int* received_counts, const int* received_places) {
    return MPI_Ialltoallv(sent, sent_counts, sent_places, MPI_FLOAT, received, received_counts, received_places, MPI_FLOAT, work,
                          &request);
}

/* Begins to gather bytes of all ranks on all of them. */
SPOS_EXPORT int spos_mpi_gather(const void* own, int count, void* all, const int* counts, const int* places) {
    return MPI_Iallgatherv(own, count, MPI_BYTE, all, counts, places, MPI_BYTE, work, &request);
}

/* Begins to give bytes of rank 0 to all others. */
SPOS_EXPORT int spos_mpi_broadcast(void* bytes, int count) { return MPI_Ibcast(bytes, count, MPI_BYTE, 0, work, &request); }

/* Whether what was begun last is done. */
SPOS_EXPORT int spos_mpi_test(int* done) { return MPI_Test(&request, done, MPI_STATUS_IGNORE); }

/* Sends a sign of life. */
SPOS_EXPORT int spos_mpi_beat(int rank) {
    MPI_Request sent;
    int error = MPI_Isend(&beat, 1, MPI_CHAR, rank, 0, life, &sent);
    return error ? error : MPI_Request_free(&sent);
}

/* Takes a sign of life that has come, and says whose it is; -1 if there is none. */
SPOS_EXPORT int spos_mpi_hear(int* rank) {
    int there = 0;
    char byte;
    MPI_Status status;
    int error = MPI_Iprobe(MPI_ANY_SOURCE, 0, life, &there, &status);
    *rank = !error && there ? status.MPI_SOURCE : -1;
    return error || !there ? error : MPI_Recv(&byte, 1, MPI_CHAR, status.MPI_SOURCE, 0, life, MPI_STATUS_IGNORE);
}

/* Waits for all ranks, and leaves. */
SPOS_EXPORT int spos_mpi_end(void) { return MPI_Finalize(); }

/* Ends all ranks. */
SPOS_EXPORT void spos_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }
