// What CUDA's words mean on the host. A kernel whose threads do not wait for each other runs as one thread that does all the work;
// else each thread of a block is a coroutine, and __syncthreads lets the next one run.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

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
static Place threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

static bool together = false;
static ucontext_t block_context;
static std::vector<ucontext_t> threads;
static std::vector<char> alive;
static unsigned current;

static void __syncthreads() {
    if (together) swapcontext(&threads[current], &block_context);
}
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
template <class T> static inline T atomicAdd(T *p, T v) { T old = *p; *p = old + v; return old; }
template <class T> static inline T atomicMax(T *p, T v) { T old = *p; if (v > old) *p = v; return old; }
template <class T> static inline T atomicMin(T *p, T v) { T old = *p; if (v < old) *p = v; return old; }
template <class T> static inline T atomicCAS(T *p, T expected, T v) { T old = *p; if (old == expected) *p = v; return old; }
using std::abs, std::ceil, std::copysign, std::cos, std::exp, std::fabs, std::floor, std::fmod, std::isfinite, std::isinf, std::isnan, std::log,
    std::max, std::min, std::pow, std::rint, std::signbit, std::sin, std::sqrt, std::tanh, std::trunc;

template <class... A, size_t... I> static void call(void (*kernel)(A...), void **p, std::index_sequence<I...>) {
    kernel(*(std::remove_const_t<std::remove_reference_t<A>> *)p[I]...);
}
template <class... A> static void call(void (*kernel)(A...), void **p) { call(kernel, p, std::index_sequence_for<A...>{}); }

static void (*running)(void **);
static void **parameters;

static void thread_of_block() {
    running(parameters);
    alive[current] = 0;
    swapcontext(&threads[current], &block_context);
}

static void run_block(unsigned width, unsigned count) {
    static std::vector<char> stacks;
    const size_t size = 16384;
    stacks.resize(size * count);
    threads.assign(count, ucontext_t());
    alive.assign(count, 1);
    for (unsigned t = 0; t < count; t++) {
        getcontext(&threads[t]);
        threads[t].uc_stack.ss_sp = &stacks[size * t];
        threads[t].uc_stack.ss_size = size;
        makecontext(&threads[t], thread_of_block, 0);
    }
    for (bool any = true; any;) {
        any = false;
        for (current = 0; current < count; current++)
            if (alive[current]) {
                threadIdx = Place{current % width, current / width, 0};
                swapcontext(&block_context, &threads[current]);
                any = any || alive[current];
            }
    }
}

static void run(void (*kernel)(void **), bool wait, void **p, unsigned grid, unsigned width, unsigned height) {
    running = kernel, parameters = p, together = wait;
    threadIdx = blockIdx = Place{0, 0, 0};
    gridDim = wait ? Place{grid, 1, 1} : Place{1, 1, 1};
    blockDim = wait ? Place{width, height, 1} : Place{1, 1, 1};
    if (!wait) return kernel(p);
    for (unsigned b = 0; b < grid; b++) {
        blockIdx = Place{b, 0, 0};
        run_block(width, width * height);
    }
}

#define LAUNCHER(name, wait)                                                                                      \
    extern "C" void launch_##name(void **p, unsigned grid, unsigned width, unsigned height) {                     \
        run([](void **given) { call(name, given); }, wait, p, grid, width, height);                               \
    }
