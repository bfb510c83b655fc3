// What CUDA's words mean on the host, and how a kernel is called with the arguments that a launch gives.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#define __device__
#define __host__
#define __global__
#define __forceinline__ inline
#define __shared__ static
#define __restrict__
#define __constant__ static
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct Place {
    unsigned x = 1, y = 1, z = 1;
};
extern Place threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

void __syncthreads();
static void __syncwarp(unsigned = 0) { __syncthreads(); }
static void __threadfence() {}

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }
template <class To, class From> static inline To same_bits(From x) {
    To y;
    std::memcpy(&y, &x, sizeof y);
    return y;
}
static inline double __longlong_as_double(long long x) { return same_bits<double>(x); }
static inline long long __double_as_longlong(double x) { return same_bits<long long>(x); }
static inline float __int_as_float(int x) { return same_bits<float>(x); }
static inline int __float_as_int(float x) { return same_bits<int>(x); }
// float16 as 16 bits, rounded to nearest, ties to even
static inline unsigned short __float2half_rn(float x) {
    unsigned bits = same_bits<unsigned>(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size > 0x7f800000) return sign | 0x7e00;                                                    // NaN
    if (size >= 0x477ff000) return sign | 0x7c00;                                                   // 65520 and more: infinite
    if (size < 0x38800000) return sign | (unsigned)std::nearbyint(same_bits<float>(size) * 0x1p24);  // below 2⁻¹⁴: a multiple of 2⁻²⁴
    return sign | (size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13;
}
static inline float __half2float(unsigned short h) {
    unsigned sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 0) return same_bits<float>(sign | same_bits<unsigned>((float)(fraction * 0x1p-24)));
    return same_bits<float>(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13);
}
template <class Half> static inline unsigned short __half_as_ushort(const Half &x) { return same_bits<unsigned short>(x); }
struct half __ushort_as_half(unsigned short);  // CuPy names it; no kernel here calls it
template <class T> static inline T atomicAdd(T *p, T v) { T old = *p; *p = old + v; return old; }
template <class T> static inline T atomicMax(T *p, T v) { T old = *p; if (v > old) *p = v; return old; }
template <class T> static inline T atomicMin(T *p, T v) { T old = *p; if (v < old) *p = v; return old; }
static inline unsigned atomicInc(unsigned *p, unsigned most) { unsigned old = *p; *p = old >= most ? 0 : old + 1; return old; }
template <class T> static inline T atomicCAS(T *p, T expected, T v) { T old = *p; if (old == expected) *p = v; return old; }
using std::abs, std::ceil, std::copysign, std::cos, std::exp, std::fabs, std::floor, std::fmod, std::isfinite, std::isinf, std::isnan, std::log,
    std::max, std::min, std::pow, std::rint, std::signbit, std::sin, std::sqrt, std::tanh, std::trunc;

template <class... A, size_t... I> static void call(void (*kernel)(A...), void **p, std::index_sequence<I...>) {
    kernel(*(std::remove_const_t<std::remove_reference_t<A>> *)p[I]...);
}
template <class... A> static void call(void (*kernel)(A...), void **p) { call(kernel, p, std::index_sequence_for<A...>{}); }

// Run a kernel on a grid of blocks; blocks.cpp has it.
void run(void (*kernel)(void **), bool wait, void **p, unsigned grid, unsigned width, unsigned height);

// The arguments of a kernel, copied for a launch that comes later; CUDA's graphs keep them so. They are never released.
template <class... A> struct Kept {
    std::tuple<std::remove_const_t<std::remove_reference_t<A>>...> values;
    void *places[sizeof...(A) + 1];
};
template <class... A, size_t... I> static void **keep(void (*)(A...), void **p, std::index_sequence<I...>) {
    auto *kept = new Kept<A...>{{*(std::remove_const_t<std::remove_reference_t<A>> *)p[I]...}, {}};
    ((kept->places[I] = (void *)&std::get<I>(kept->values)), ...);
    return kept->places;
}
template <class... A> static void **keep(void (*kernel)(A...), void **p) { return keep(kernel, p, std::index_sequence_for<A...>{}); }

// -ftz=true, which CuPy gives to NVRTC: subnormal numbers of float32 count as 0. A processor knows this switch for both precisions
// only, so it is used where a kernel has none of float64.
struct FlushToZero {
#ifdef __SSE__
    unsigned before = __builtin_ia32_stmxcsr();
    explicit FlushToZero(bool on) { if (on) __builtin_ia32_ldmxcsr(before | 0x8040); }
    ~FlushToZero() { __builtin_ia32_ldmxcsr(before); }
#else
    explicit FlushToZero(bool) {}
#endif
};

#define LAUNCHER(name, wait)                                                                                      \
    extern "C" void launch_##name(void **p, unsigned grid, unsigned width, unsigned height) {                     \
        FlushToZero flush(FLUSH);                                                                                 \
        run([](void **given) { call(name, given); }, wait, p, grid, width, height);                               \
    }                                                                                                             \
    extern "C" void **keep_##name(void **p) { return keep(name, p); }
