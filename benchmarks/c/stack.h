/* The stack of a reverse sweep: what is overwritten is pushed on the way forward. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *stack;
static size_t top, room;

static void push_array(const double *x, int n) {
    if (top + n > room) {
        room = 2 * (top + n) + 4096;
        stack = realloc(stack, room * sizeof(double));
    }
    memcpy(stack + top, x, n * sizeof(double));
    top += n;
}

static void pop_array(double *x, int n) {
    top -= n;
    memcpy(x, stack + top, n * sizeof(double));
}

static inline void push(double x) { push_array(&x, 1); }

static inline double pop(void) { return stack[--top]; }
