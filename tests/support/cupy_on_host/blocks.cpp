// How a kernel runs on the host: if its threads do not wait for each other, as one thread that does all the work; else each thread of a
// block is a coroutine, and __syncthreads lets the next one run. CUDA promises no order, so each launch begins with another block, and
// every second one with the last thread.
#include <ucontext.h>
#include <vector>

struct Place {
    unsigned x = 1, y = 1, z = 1;
};
Place threadIdx, blockIdx, blockDim, gridDim;

namespace {

bool together = false;
ucontext_t block_context;
std::vector<ucontext_t> threads;
std::vector<char> alive, stacks;
const size_t STACK = 16384;
unsigned current, launches = 0;
void (*running)(void **);
void **parameters;

void thread_of_block() {
    running(parameters);
    alive[current] = 0;
    swapcontext(&threads[current], &block_context);
}

void run_block(unsigned width, unsigned count) {
    stacks.resize(STACK * count);
    threads.assign(count, ucontext_t());
    alive.assign(count, 1);
    for (unsigned t = 0; t < count; t++) {
        getcontext(&threads[t]);
        threads[t].uc_stack.ss_sp = &stacks[STACK * t];
        threads[t].uc_stack.ss_size = STACK;
        makecontext(&threads[t], thread_of_block, 0);
    }
    for (bool any = true; any;) {
        any = false;
        for (unsigned k = 0; k < count; k++) {
            current = launches % 2 ? count - 1 - k : k;
            if (alive[current]) {
                threadIdx = Place{current % width, current / width, 0};
                swapcontext(&block_context, &threads[current]);
                any = any || alive[current];
            }
        }
    }
}

}  // namespace

void __syncthreads() {
    if (together) swapcontext(&threads[current], &block_context);
}

void run(void (*kernel)(void **), bool wait, void **p, unsigned grid, unsigned width, unsigned height) {
    running = kernel, parameters = p, together = wait;
    threadIdx = blockIdx = Place{0, 0, 0};
    gridDim = wait ? Place{grid, 1, 1} : Place{1, 1, 1};
    blockDim = wait ? Place{width, height, 1} : Place{1, 1, 1};
    if (!wait) return kernel(p);
    launches++;
    for (unsigned k = 0; k < grid; k++) {
        blockIdx = Place{(k + launches) % grid, 0, 0};
        run_block(width, width * height);
    }
}
