// Of cuBLAS what CuPy calls for products of float32 and float64: matrices lie column by column. While a stream is captured
// products are not computed: each is kept for the stream's graph, under a number.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

extern "C" {
int last_compute_type = -1, products = 0, capturing = 0;
void (*recorded)(int) = nullptr;
}

namespace {

std::vector<std::function<void()>> kept;

int now_or_later(std::function<void()> call) {
    products++;
    if (!capturing) {
        call();
    } else {
        kept.push_back(call);
        recorded(kept.size() - 1);
    }
    return 0;
}

int math_mode = 0, pointer_mode = 0;
void *stream = nullptr;

// Each element is summed in the order of p; the rows of op(a) lie side by side, so that the compiler can compute several at once.
template <class T>
void product(int ta, int tb, int m, int n, int k, T alpha, const T *a, int lda, const T *b, int ldb, T beta, T *c, int ldc) {
    std::vector<T> turned(ta ? (size_t)m * k : 0), sums(m);
    for (size_t at = 0; at < turned.size(); at++) turned[at] = a[at % m * lda + at / m];
    const T *columns = ta ? turned.data() : a;
    const size_t step = ta ? m : lda;
    for (int j = 0; j < n; j++) {
        std::fill(sums.begin(), sums.end(), T(0));
        for (int p = 0; p < k; p++) {
            const T *column = columns + p * step, factor = tb ? b[(size_t)p * ldb + j] : b[(size_t)j * ldb + p];
            for (int i = 0; i < m; i++) sums[i] += column[i] * factor;
        }
        for (int i = 0; i < m; i++) {
            T *at = &c[(size_t)j * ldc + i];
            *at = alpha * sums[i] + (beta == 0 ? 0 : beta * *at);
        }
    }
}

template <class T>
int one_type(int ta, int tb, int m, int n, int k, const T *alpha, const T *a, int lda, const T *b, int ldb, const T *beta, T *c, int ldc) {
    T x = *alpha, y = *beta;  // lie on the host, and may be gone when a graph is launched
    return now_or_later([=] { product(ta, tb, m, n, k, x, a, lda, b, ldb, y, c, ldc); });
}

}  // namespace

extern "C" {

enum { FLOAT = 0, DOUBLE = 1, NOT_SUPPORTED = 15 };

void compute_recorded(int number) { kept[number](); }

int cublasCreate_v2(void **handle) { *handle = &math_mode; return 0; }
int cublasDestroy_v2(void *) { return 0; }
int cublasGetVersion_v2(void *, int *version) { *version = VERSION; return 0; }
int cublasSetStream_v2(void *, void *s) { stream = s; return 0; }
int cublasSetWorkspace_v2(void *, void *, size_t) { return 0; }
int cublasGetStream_v2(void *, void **s) { *s = stream; return 0; }
int cublasSetMathMode(void *, int mode) { math_mode = mode; return 0; }
int cublasGetMathMode(void *, int *mode) { *mode = math_mode; return 0; }
int cublasSetPointerMode_v2(void *, int mode) { pointer_mode = mode; return 0; }
int cublasGetPointerMode_v2(void *, int *mode) { *mode = pointer_mode; return 0; }

int cublasGemmEx(void *, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda, const void *b,
                 int type_b, int ldb, const void *beta, void *c, int type_c, int ldc, int compute, int) {
    last_compute_type = compute;
    if (type_a == FLOAT && type_b == FLOAT && type_c == FLOAT)
        return one_type(ta, tb, m, n, k, (float *)alpha, (float *)a, lda, (float *)b, ldb, (float *)beta, (float *)c, ldc);
    if (type_a == DOUBLE && type_b == DOUBLE && type_c == DOUBLE)
        return one_type(ta, tb, m, n, k, (double *)alpha, (double *)a, lda, (double *)b, ldb, (double *)beta, (double *)c, ldc);
    return NOT_SUPPORTED;
}

int cublasGemmStridedBatchedEx(void *h, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda,
                               long long step_a, const void *b, int type_b, int ldb, long long step_b, const void *beta, void *c,
                               int type_c, int ldc, long long step_c, int batch, int compute, int algorithm) {
    int size = type_a == DOUBLE ? 8 : 4, status = 0;
    for (int i = 0; i < batch && !status; i++)
        status = cublasGemmEx(h, ta, tb, m, n, k, alpha, (char *)a + i * step_a * size, type_a, lda, (char *)b + i * step_b * size,
                              type_b, ldb, beta, (char *)c + i * step_c * size, type_c, ldc, compute, algorithm);
    return status;
}

#define ONE_TYPE(T, X)                                                                                                               \
    int cublas##X##gemm_v2(void *, int ta, int tb, int m, int n, int k, const T *alpha, const T *a, int lda, const T *b, int ldb,     \
                           const T *beta, T *c, int ldc) {                                                                           \
        return one_type(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                                       \
    }                                                                                                                                \
    int cublas##X##gemmBatched(void *, int ta, int tb, int m, int n, int k, const T *alpha, const T *const *a, int lda,              \
                               const T *const *b, int ldb, const T *beta, T *const *c, int ldc, int batch) {                         \
        for (int i = 0; i < batch; i++) one_type(ta, tb, m, n, k, alpha, a[i], lda, b[i], ldb, beta, c[i], ldc);                     \
        return 0;                                                                                                                    \
    }                                                                                                                                \
    int cublas##X##dot_v2(void *, int n, const T *x, int step_x, const T *y, int step_y, T *result) {                                \
        return now_or_later([=] {                                                                                                    \
            *result = 0;                                                                                                             \
            for (int i = 0; i < n; i++) *result += x[i * step_x] * y[i * step_y];                                                    \
        });                                                                                                                          \
    }                                                                                                                                \
    int cublas##X##gemv_v2(void *, int t, int m, int n, const T *alpha, const T *a, int lda, const T *x, int step_x, const T *beta,  \
                           T *y, int step_y) {                                                                                       \
        T f = *alpha, h = *beta;                                                                                                     \
        return now_or_later([=] {                                                                                                    \
            for (int i = 0; i < (t ? n : m); i++) {                                                                                  \
                T sum = 0;                                                                                                           \
                for (int j = 0; j < (t ? m : n); j++) sum += (t ? a[(size_t)i * lda + j] : a[(size_t)j * lda + i]) * x[j * step_x]; \
                y[i * step_y] = f * sum + (h == 0 ? 0 : h * y[i * step_y]);                                                          \
            }                                                                                                                        \
        });                                                                                                                          \
    }

ONE_TYPE(float, S)
ONE_TYPE(double, D)
}
