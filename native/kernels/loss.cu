// What guesses are compared by: softmax cross-entropy with label smoothing, the divergence from a teacher's guesses,
// and the rank of the label for top-k accuracy.
//
//   target[k]    = (1 - smoothing) * onehot[k] + smoothing / K
//   onehot[k]    = share * (k == label[n]) + (1 - share) * (k == label[N-1-n]), the classes of a mixed picture
//   (mixup.cu);
//                  share is 1 for a picture that is not mixed
//   loss[n]      = -sum_k target[k] * log softmax(logits[n])[k]
//   dlogits[n]   = gradient_scale * (softmax(logits[n]) - target)
//
// From a teacher, with p = softmax(teacher[n]) and q = softmax(logits[n]):
//
//   kl           = sum_k p[k] * log(p[k] / q[k]), whose gradient is q[k] - p[k]
//   clipped      = 1/2 * sum_k q[k] * (w[k] - 1), w[k] = min(q[k] / p[k], 5), the divergence of alpha = -1; as gradient
//                  stands q[k] * (w[k] - sum_j q[j] * w[j]), which it is where no ratio is clipped
//   loss[n]      = kl; if adaptive, clipped where that is larger (AlphaNet, arXiv 2102.07954, with alpha from -1
//                  to 1 and beta = 5: the divergence of alpha = 1 is kl)
//   dlogits[n]   = gradient_scale * the gradient of which the loss is
//
//   rank[n]      = the number of classes placed before the label: larger logits, and equal ones of lower index.
//                  The prediction is among the top k when rank < k. NaN is placed before everything, and a label
//                  whose own logit is NaN is last.
//
// Layouts: logits, dlogits, teacher [N][K]; loss, rank, labels [N]. Outputs are overwritten; dlogits may be logits.
// Launch: grid.x = ceil(N / rows_per_block), a warp a row at a time.
#include "device/warp.h"

SPOS_WORK(shape(rows, classes), flops(8 * rows * classes))
SPOS_KERNEL softmax_cross_entropy(SPOS_OUT(rows, uncounted) float* loss,
                                  SPOS_OUT(rows, classes, or_null) float* dlogits,
                                  SPOS_IN(rows, classes) const float* logits,
                                  SPOS_IN(rows, uncounted) const int* labels, int rows, int classes, float smoothing,
                                  float share, float gradient_scale, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const int last = min(first + rows_per_block, rows);
    for (int r = first + warp_index(); r < last; r += warps_of_block()) {
        const float* row = logits + (int64_t)r * classes;
        float largest = row[0];
        for (int k = warp_lane(); k < classes; k += kWarpThreads) largest = max(largest, row[k]);
        largest = warp_max(largest);
        double total = 0, shifted = 0;
        for (int k = warp_lane(); k < classes; k += kWarpThreads) {
            total += exp((double)(row[k] - largest));
            shifted += (double)(row[k] - largest);
        }
        total = warp_sum(total);
        shifted = warp_sum(shifted);
        const double log_total = log(total);
        const int label = labels[r], other = labels[rows - 1 - r];
        const double own_share = share, other_share = 1.0 - share;
        const double label_log =
            own_share * (double)(row[label] - largest) + other_share * (double)(row[other] - largest) - log_total;
        const double mean_log = shifted / classes - log_total;
        if (warp_lane() == 0) loss[r] = (float)-((1.0 - smoothing) * label_log + smoothing * mean_log);
        if (dlogits) {
            for (int k = warp_lane(); k < classes; k += kWarpThreads) {
                const double onehot = (k == label ? own_share : 0.0) + (k == other ? other_share : 0.0);
                const double target = (1.0 - smoothing) * onehot + (double)smoothing / classes;
                const double probability = exp((double)(row[k] - largest)) / total;
                dlogits[(int64_t)r * classes + k] = (float)(gradient_scale * (probability - target));
            }
        }
    }
}
SPOS_EXPORT(softmax_cross_entropy)

namespace {

// Where ratios of probabilities are cut.
constexpr double kMostRatio = 5.0;

// A row of logits with what their softmax is told by. All threads of a warp make it together.
struct SoftmaxRow {
    const float* logits;
    float largest;
    double log_total;

    __device__ __forceinline__ SoftmaxRow(const float* row, int classes) : logits(row), largest(row[0]) {
        for (int k = warp_lane(); k < classes; k += kWarpThreads) largest = max(largest, row[k]);
        largest = warp_max(largest);
        double total = 0;
        for (int k = warp_lane(); k < classes; k += kWarpThreads) total += exp((double)row[k] - (double)largest);
        log_total = log(warp_sum(total));
    }

    // The logarithm of a class's probability.
    __device__ __forceinline__ double log_of(int k) const { return (double)logits[k] - (double)largest - log_total; }
};

}  // namespace

SPOS_WORK(shape(rows, classes), flops(24 * rows * classes))
SPOS_KERNEL softmax_divergence(SPOS_OUT(rows, uncounted) float* loss, SPOS_OUT(rows, classes) float* dlogits,
                               SPOS_IN(rows, classes) const float* logits, SPOS_IN(rows, classes) const float* teacher,
                               int rows, int classes, int adaptive, float gradient_scale, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const int last = min(first + rows_per_block, rows);
    for (int r = first + warp_index(); r < last; r += warps_of_block()) {
        const int64_t start = (int64_t)r * classes;
        const SoftmaxRow student(logits + start, classes), own(teacher + start, classes);
        double kl = 0, ratios = 0;
        for (int k = warp_lane(); k < classes; k += kWarpThreads) {
            const double above = own.log_of(k) - student.log_of(k);
            kl += exp(own.log_of(k)) * above;
            ratios += exp(student.log_of(k)) * min(exp(-above), kMostRatio);
        }
        kl = warp_sum(kl);
        ratios = warp_sum(ratios);
        const double clipped = 0.5 * (ratios - 1.0);
        const bool clips = adaptive && clipped > kl;
        if (warp_lane() == 0) loss[r] = (float)(clips ? clipped : kl);
        for (int k = warp_lane(); k < classes; k += kWarpThreads) {
            const double log_q = student.log_of(k), log_p = own.log_of(k), q = exp(log_q);
            const double gradient = clips ? q * (min(exp(log_q - log_p), kMostRatio) - ratios) : q - exp(log_p);
            dlogits[start + k] = (float)(gradient_scale * gradient);
        }
    }
}
SPOS_EXPORT(softmax_divergence)

SPOS_WORK(shape(rows, classes), flops(2 * rows * classes))
SPOS_KERNEL label_rank(SPOS_OUT(rows, uncounted) int* rank, SPOS_IN(rows, classes) const float* logits,
                       SPOS_IN(rows, uncounted) const int* labels, int rows, int classes, int rows_per_block) {
    const int first = (int)blockIdx.x * rows_per_block;
    const int last = min(first + rows_per_block, rows);
    for (int r = first + warp_index(); r < last; r += warps_of_block()) {
        const float* row = logits + (int64_t)r * classes;
        const int label = labels[r];
        const float own = row[label];
        int before = 0;
        for (int k = warp_lane(); k < classes; k += kWarpThreads) {
            if (k != label && (!(row[k] <= own) || (row[k] == own && k < label))) ++before;
        }
        before = warp_sum(before);
        if (warp_lane() == 0) rank[r] = own == own ? before : classes;
    }
}
SPOS_EXPORT(label_rank)
