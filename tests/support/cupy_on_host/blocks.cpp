// How a kernel runs on the host: if its threads do not wait for each other, as one thread that does all the work; else each thread of a
// block is a coroutine, and __syncthreads lets the next one run. CUDA promises no order, so each launch begins with another block, and
// every second one with the last thread.
#undef _FORTIFY_SOURCE  // with it, longjmp refuses to jump to another stack
#include <csetjmp>
#include <ucontext.h>

struct Place {
    unsigned x = 1, y = 1, z = 1;
};
Place threadIdx, blockIdx, blockDim, gridDim;

namespace {

const size_t STACK = 16384, MOST = 1024;  // bytes for a thread, threads in a block
struct Thread {
    jmp_buf place;  // where it waits; a jump, unlike swapcontext, asks nothing of the operating system
    bool begun, alive;
    alignas(16) char stack[STACK];
};
Thread threads[MOST];
jmp_buf block;  // where run_block waits for a thread
bool together = false;
unsigned current, launches = 0;
void (*running)(void **);
void **parameters;

// Let run_block go on until it enters this thread again.
void leave() {
    if (!_setjmp(threads[current].place)) _longjmp(block, 1);
}

// Run one kernel after the other; the thread is kept for the next block.
void thread_of_block() {
    for (;;) {
        running(parameters);
        threads[current].alive = false;
        leave();
    }
}

// Let the current thread go on until it leaves.
void enter() {
    Thread &thread = threads[current];
    if (_setjmp(block)) return;
    if (thread.begun) _longjmp(thread.place, 1);
    thread.begun = true;
    static ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = thread.stack;
    context.uc_stack.ss_size = STACK;
    makecontext(&context, thread_of_block, 0);
    setcontext(&context);
}

void run_block(unsigned width, unsigned count) {
    for (unsigned t = 0; t < count; t++) threads[t].alive = true;
    for (bool any = true; any;) {
        any = false;
        for (unsigned k = 0; k < count; k++) {
            current = launches % 2 ? count - 1 - k : k;
            if (threads[current].alive) {
                threadIdx = Place{current % width, current / width, 0};
                enter();
                any = any || threads[current].alive;
            }
        }
    }
}

}  // namespace

void __syncthreads() {
    if (together) leave();
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
