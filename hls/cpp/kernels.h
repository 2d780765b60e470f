// One function for each operation, for L events side by side: element e of a tensor lies at x[e * L], its L events in
// a row. Every type is wide enough for every number on the way, whatever the order of a sum: nothing overflows.

// L numbers set to the same value.
template <int L, class Y>
inline void fill(Y* y, Y value) {
    for (int lane = 0; lane < L; ++lane) y[lane] = value;
}

// x * factor, for another grid or another type; the factor is a power of two.
template <int L, class T, class X, class Y>
inline void rescale(const X* x, Y* y, std::size_t elements, T factor) {
    for (std::size_t i = 0; i < elements * L; ++i) y[i] = static_cast<Y>(static_cast<T>(x[i]) * factor);
}

// Division by 2^shift, rounded half to even or down, then clipped. T holds x and a step of the new grid besides.
template <int L, bool even, class T, class X, class Y>
inline void quantize(const X* x, Y* y, std::size_t elements, int shift, T low, T high) {
    const T below_half = (static_cast<T>(1) << (shift - 1)) - 1;
    for (std::size_t i = 0; i < elements * L; ++i) {
        T value = static_cast<T>(x[i]);
        if (even) value = static_cast<T>(value + below_half + ((value >> shift) & 1));
        value = static_cast<T>(value >> shift);
        value = value < low ? low : value;
        y[i] = static_cast<Y>(value > high ? high : value);
    }
}

// Clipped, then multiplied by a power of two. The ends are those of the old grid.
template <int L, class T, class X, class Y>
inline void clip(const X* x, Y* y, std::size_t elements, T low, T high, T factor, T least, T most) {
    for (std::size_t i = 0; i < elements * L; ++i) {
        const T value = static_cast<T>(x[i]);
        y[i] = static_cast<Y>(value < low ? least : value > high ? most : static_cast<T>(value * factor));
    }
}

// x * factor, of which the low bits are read as a number from low on. U is T without sign.
template <int L, class T, class U, class X, class Y>
inline void wrap(const X* x, Y* y, std::size_t elements, T factor, T mask, T low) {
    for (std::size_t i = 0; i < elements * L; ++i) {
        const U moved = static_cast<U>(static_cast<U>(x[i]) * static_cast<U>(factor) - static_cast<U>(low));
        y[i] = static_cast<Y>(static_cast<T>(moved & static_cast<U>(mask)) + low);
    }
}

template <int L, class X, class Y>
inline void relu(const X* x, Y* y, std::size_t elements) {
    for (std::size_t i = 0; i < elements * L; ++i) y[i] = static_cast<Y>(x[i] < 0 ? 0 : x[i]);
}

// On a grid that is finer by the slope's power of two: x * slope above zero, x below.
template <int L, class T, class X, class Y>
inline void leaky_relu(const X* x, Y* y, std::size_t elements, T slope) {
    for (std::size_t i = 0; i < elements * L; ++i) {
        const T value = static_cast<T>(x[i]);
        y[i] = static_cast<Y>(value < 0 ? value : static_cast<T>(value * slope));
    }
}

// x * factor + offset, both for each of the channels, which are the last axis.
template <int L, class T, class X, class F, class O, class Y>
inline void scale(const X* x, Y* y, std::size_t positions, std::size_t channels, const F* factor, const O* offset) {
    for (std::size_t p = 0; p < positions; ++p)
        for (std::size_t c = 0; c < channels; ++c, x += L, y += L) {
            const T f = static_cast<T>(factor[c]), o = static_cast<T>(offset[c]);
            for (int lane = 0; lane < L; ++lane) y[lane] = static_cast<Y>(static_cast<T>(x[lane]) * f + o);
        }
}

template <int L, class X, class V, class Y>
inline void look_up(const X* x, Y* y, std::size_t elements, const V* values, std::int64_t first) {
    for (std::size_t i = 0; i < elements * L; ++i)
        y[i] = static_cast<Y>(values[static_cast<std::int64_t>(x[i]) - first]);
}

// The same with a table for each channel, one after the other.
template <int L, class X, class Y, class V>
inline void look_up_each(const X* x, Y* y, std::size_t elements, const V* values, std::int64_t first,
                         std::size_t channels, std::size_t entries) {
    for (std::size_t i = 0; i < elements; ++i, x += L, y += L)
        look_up<L>(x, y, 1, values + i % channels * entries, first);
}

// a * left + b * right of elements that two tables name; the factors are powers of two, or their negative.
template <int L, class T, class A, class B, class Y>
inline void add(const A* a, const B* b, Y* y, std::size_t elements, const std::uint32_t* of_a, const std::uint32_t* of_b,
                T left, T right) {
    for (std::size_t i = 0; i < elements; ++i, y += L) {
        const A* p = a + static_cast<std::size_t>(of_a[i]) * L;
        const B* q = b + static_cast<std::size_t>(of_b[i]) * L;
        for (int lane = 0; lane < L; ++lane)
            y[lane] = static_cast<Y>(static_cast<T>(p[lane]) * left + static_cast<T>(q[lane]) * right);
    }
}

template <int L, class T, class A, class B, class Y>
inline void multiply(const A* a, const B* b, Y* y, std::size_t elements, const std::uint32_t* of_a,
                     const std::uint32_t* of_b) {
    for (std::size_t i = 0; i < elements; ++i, y += L) {
        const A* p = a + static_cast<std::size_t>(of_a[i]) * L;
        const B* q = b + static_cast<std::size_t>(of_b[i]) * L;
        for (int lane = 0; lane < L; ++lane)
            y[lane] = static_cast<Y>(static_cast<T>(p[lane]) * static_cast<T>(q[lane]));
    }
}

// Elements in another order, times a power of two.
template <int L, class T, class X, class Y>
inline void gather(const X* x, Y* y, std::size_t elements, const std::uint32_t* of_x, const std::uint32_t* to_y, T factor) {
    for (std::size_t i = 0; i < elements; ++i) {
        const X* from = x + static_cast<std::size_t>(of_x[i]) * L;
        Y* to = y + static_cast<std::size_t>(to_y[i]) * L;
        for (int lane = 0; lane < L; ++lane) to[lane] = static_cast<Y>(static_cast<T>(from[lane]) * factor);
    }
}

// Sum or maximum, from one value on, over the elements starts[i] to starts[i + 1] of a table.
template <int L, bool maximum, class T, class X, class Y>
inline void pool(const X* x, Y* y, std::size_t elements, const std::uint32_t* starts, const std::uint32_t* members,
                 T from_here) {
    for (std::size_t i = 0; i < elements; ++i, y += L) {
        T total[L];
        fill<L>(total, from_here);
        for (std::uint32_t m = starts[i]; m < starts[i + 1]; ++m) {
            const X* from = x + static_cast<std::size_t>(members[m]) * L;
            for (int lane = 0; lane < L; ++lane) {
                const T value = static_cast<T>(from[lane]);
                total[lane] = static_cast<T>(maximum ? (value > total[lane] ? value : total[lane]) : total[lane] + value);
            }
        }
        for (int lane = 0; lane < L; ++lane) y[lane] = static_cast<Y>(total[lane]);
    }
}

// Pixels (rows, columns) of channels inside a frame of zeros, in whose top left corner they are (top, left) away.
struct Frame {
    std::size_t rows, columns, channels, top, left, framed_rows, framed_columns;
};

template <int L, class X, class Y>
inline void enframe(const X* x, Y* y, const Frame& f) {
    const std::size_t row = f.framed_columns * f.channels * L;
    std::fill(y, y + f.framed_rows * row, static_cast<Y>(0));
    for (std::size_t r = 0; r < f.rows; ++r, x += f.columns * f.channels * L)
        std::copy(x, x + f.columns * f.channels * L, y + (f.top + r) * row + f.left * f.channels * L);
}

// The same in pairs of neighbouring channels, the last of an odd number paired with zero: (..., pair, lane, 2).
template <int L, class X>
inline void enframe_pairs(const X* x, std::int16_t* y, const Frame& f) {
    const std::size_t pairs = (f.channels + 1) / 2, row = f.framed_columns * pairs * 2 * L;
    if (f.framed_rows != f.rows || f.framed_columns != f.columns) std::fill(y, y + f.framed_rows * row, 0);
    for (std::size_t r = 0; r < f.rows; ++r)
        for (std::size_t c = 0; c < f.columns; ++c) {
            std::int16_t* to = y + (f.top + r) * row + (f.left + c) * pairs * 2 * L;
            for (std::size_t pair = 0; pair < pairs; ++pair, to += 2 * L) {
                const bool lonely = 2 * pair + 1 == f.channels;
                for (int lane = 0; lane < L; ++lane) {
                    to[2 * lane] = static_cast<std::int16_t>(x[lane]);
                    to[2 * lane + 1] = lonely ? static_cast<std::int16_t>(0) : static_cast<std::int16_t>(x[L + lane]);
                }
                x += lonely ? L : 2 * L;
            }
        }
}

// Where sums are taken: rows x columns of windows in a frame, strides in elements (or pairs) of it.
struct Windows {
    std::size_t rows, columns, down, right, outputs;
};

// For each window and output the sum of weights times elements; terms starts[n] to starts[n + 1] are those of output n.
template <int L, class T, class X, class W, class B, class Y>
inline void sums(const X* x, Y* y, const Windows& at, const std::uint32_t* starts, const std::uint32_t* elements,
                 const W* weights, const B* bias) {
    for (std::size_t r = 0; r < at.rows; ++r)
        for (std::size_t c = 0; c < at.columns; ++c) {
            const X* window = x + (r * at.down + c * at.right) * L;
            for (std::size_t n = 0; n < at.outputs; ++n, y += L) {
                T total[L];
                fill<L>(total, static_cast<T>(bias[n]));
                for (std::uint32_t i = starts[n]; i < starts[n + 1]; ++i) {
                    const X* from = window + static_cast<std::size_t>(elements[i]) * L;
                    const T weight = static_cast<T>(weights[i]);
                    for (int lane = 0; lane < L; ++lane)
                        total[lane] = static_cast<T>(total[lane] + weight * static_cast<T>(from[lane]));
                }
                for (int lane = 0; lane < L; ++lane) y[lane] = static_cast<Y>(total[lane]);
            }
        }
}

// Sums of pairs of products of 16 bits: what a processor's vectors are best at.
#if defined(__AVX512BW__)
constexpr int kVector = 16;
using Vector = __m512i;
inline Vector vector_of(std::int32_t value) { return _mm512_set1_epi32(value); }
inline Vector load(const std::int16_t* from) { return _mm512_loadu_si512(from); }
inline void store(std::int32_t* to, Vector value) { _mm512_storeu_si512(to, value); }
inline Vector plus(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
inline Vector products(Vector a, Vector b) { return _mm512_madd_epi16(a, b); }
#elif defined(__AVX2__)
constexpr int kVector = 8;
using Vector = __m256i;
inline Vector vector_of(std::int32_t value) { return _mm256_set1_epi32(value); }
inline Vector load(const std::int16_t* from) { return _mm256_loadu_si256(reinterpret_cast<const Vector*>(from)); }
inline void store(std::int32_t* to, Vector value) { _mm256_storeu_si256(reinterpret_cast<Vector*>(to), value); }
inline Vector plus(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
inline Vector products(Vector a, Vector b) { return _mm256_madd_epi16(a, b); }
#elif defined(__SSE2__)
constexpr int kVector = 4;
using Vector = __m128i;
inline Vector vector_of(std::int32_t value) { return _mm_set1_epi32(value); }
inline Vector load(const std::int16_t* from) { return _mm_loadu_si128(reinterpret_cast<const Vector*>(from)); }
inline void store(std::int32_t* to, Vector value) { _mm_storeu_si128(reinterpret_cast<Vector*>(to), value); }
inline Vector plus(Vector a, Vector b) { return _mm_add_epi32(a, b); }
inline Vector products(Vector a, Vector b) { return _mm_madd_epi16(a, b); }
#else
constexpr int kVector = 1;
struct Vector {
    std::int32_t value;
};
inline std::int32_t low_half(std::int32_t pair) { return static_cast<std::int16_t>(pair & 0xffff); }
inline std::int32_t high_half(std::int32_t pair) { return static_cast<std::int16_t>((pair >> 16) & 0xffff); }
inline Vector vector_of(std::int32_t value) { return {value}; }
inline Vector load(const std::int16_t* from) {
    return {static_cast<std::int32_t>((static_cast<std::uint32_t>(static_cast<std::uint16_t>(from[1])) << 16) |
                                      static_cast<std::uint16_t>(from[0]))};
}
inline void store(std::int32_t* to, Vector value) { *to = value.value; }
inline Vector plus(Vector a, Vector b) { return {a.value + b.value}; }
inline Vector products(Vector a, Vector b) {
    return {low_half(a.value) * low_half(b.value) + high_half(a.value) * high_half(b.value)};
}
#endif

// The first weight of a pair is the low half of its entry.
template <int L, class B, class Y>
inline void sums_of_pairs(const std::int16_t* x, Y* y, const Windows& at, const std::uint32_t* starts,
                          const std::uint32_t* pairs, const std::int32_t* weights, const B* bias) {
    constexpr int vectors = L / kVector < 4 ? L / kVector : 4;
    for (std::size_t r = 0; r < at.rows; ++r)
        for (std::size_t c = 0; c < at.columns; ++c) {
            const std::int16_t* window = x + (r * at.down + c * at.right) * 2 * L;
            for (std::size_t n = 0; n < at.outputs; ++n, y += L) {
                std::int32_t total[L];
                for (int lane = 0; lane < L; lane += vectors * kVector) {
                    Vector sum[vectors];
                    for (Vector& one : sum) one = vector_of(static_cast<std::int32_t>(bias[n]));
                    for (std::uint32_t i = starts[n]; i < starts[n + 1]; ++i) {
                        const std::int16_t* from = window + (static_cast<std::size_t>(pairs[i]) * L + lane) * 2;
                        const Vector weight = vector_of(weights[i]);
                        for (int v = 0; v < vectors; ++v)
                            sum[v] = plus(sum[v], products(load(from + v * 2 * kVector), weight));
                    }
                    for (int v = 0; v < vectors; ++v) store(total + lane + v * kVector, sum[v]);
                }
                for (int lane = 0; lane < L; ++lane) y[lane] = static_cast<Y>(total[lane]);
            }
        }
}

// A user's number in steps of a port to a whole one. What lies beyond a step is exact; a sum with a half is not.
template <Rounding rounding, class F>
inline F to_step(F x) {
    switch (rounding) {
        case Rounding::nearest_even: return std::nearbyint(x);
        case Rounding::floor: return std::floor(x);
        case Rounding::ceiling: return std::ceil(x);
        case Rounding::to_zero: return std::trunc(x);
        case Rounding::from_zero: return std::copysign(std::ceil(std::abs(x)), x);
        case Rounding::half_from_zero: return std::trunc(x) + std::copysign(F(std::abs(x - std::trunc(x)) >= F(0.5)), x);
        case Rounding::half_to_zero: return std::trunc(x) + std::copysign(F(std::abs(x - std::trunc(x)) > F(0.5)), x);
        case Rounding::odd: return std::floor(x) < x ? 2 * std::floor(std::floor(x) / 2) + 1 : x;
    }
    return x;
}

// A user's number on a port: rounded, clipped. Throws on NaN.
template <Rounding rounding, class F, class V>
inline std::int64_t on_port(V given, F step, double low, double high, std::int64_t least, std::int64_t most) {
    const F value = to_step<rounding>(static_cast<F>(given) * step);
    if (std::isnan(value)) throw std::invalid_argument("an input is NaN");
    if (static_cast<double>(value) <= low) return least;
    return static_cast<double>(value) >= high ? most : static_cast<std::int64_t>(value);
}
