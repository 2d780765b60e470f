#ifndef NNET_SUM_POOLING_H_
#define NNET_SUM_POOLING_H_

$include
#include "nnet_common.h"

namespace nnet {

struct sum_pooling_config {
    // Particles, and channels of each
    static const unsigned n_in = 2;
    static const unsigned n_filt = 1;
    static const unsigned reuse_factor = 1;
    typedef float accum_t;
};

// Channel c of the particles [first, first + count): a balanced tree, as deep as log2(count)
template <class accum_T, unsigned first, unsigned count, unsigned n_filt> struct sum_tree {
    template <class data_T> static accum_T of(const data_T *data, unsigned c) {
        $inline
        const accum_T left = sum_tree<accum_T, first, count / 2, n_filt>::of(data, c);
        const accum_T right = sum_tree<accum_T, first + count / 2, count - count / 2, n_filt>::of(data, c);
        return left + right;
    }
};

template <class accum_T, unsigned first, unsigned n_filt> struct sum_tree<accum_T, first, 1, n_filt> {
    template <class data_T> static accum_T of(const data_T *data, unsigned c) {
        $inline
        return data[first * n_filt + c];
    }
};

// io_parallel: every particle at once, an adder tree for each channel
template <class data_T, class res_T, typename CONFIG_T>
void sum_pooling(data_T data[CONFIG_T::n_in * CONFIG_T::n_filt], res_T res[CONFIG_T::n_filt]) {
    $parallel
    $before_channels
    for (unsigned c = 0; c < CONFIG_T::n_filt; c++) {
        $in_unrolled
        res[c] = sum_tree<typename CONFIG_T::accum_t, 0, CONFIG_T::n_in, CONFIG_T::n_filt>::of(data, c);
    }
}

// io_stream: a particle every clock, an accumulator for each channel
template <class data_T, class res_T, typename CONFIG_T> void sum_pooling($stream<data_T> &data, $stream<res_T> &res) {
    static_assert(data_T::size == CONFIG_T::n_filt, "a particle comes in one piece");
    static_assert(res_T::size == CONFIG_T::n_filt, "the sum leaves in one piece");

    ${storage}typename CONFIG_T::accum_t total[CONFIG_T::n_filt];
    $accumulators
    $before_particles
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        $in_pipelined
        data_T particle = data.read();
        $before_channels
        for (unsigned c = 0; c < CONFIG_T::n_filt; c++) {
            $in_unrolled
            // No loop of its own to clear the totals: the first particle does
            const typename CONFIG_T::accum_t before = i == 0 ? typename CONFIG_T::accum_t(0) : total[c];
            total[c] = before + particle[c];
        }
    }

    ${storage}res_T sum;
    $result
    $before_result
    for (unsigned c = 0; c < CONFIG_T::n_filt; c++) {
        $in_unrolled
        sum[c] = total[c];
    }
    res.write(sum);
}

} // namespace nnet

#endif
