/* The LSTM of weights for each letter: the reverse mode of its loops, statement by statement. */
#include "stack.h"

static double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

static void layer(int n, const double *x, const double *w, const double *b, double *hidden,
                  double *cell, double *gates) {
    for (int j = 0; j < n; j++) {
        gates[j] = sigmoid(x[j] * w[j] + b[j]);
        gates[n + j] = sigmoid(hidden[j] * w[n + j] + b[n + j]);
        gates[2 * n + j] = sigmoid(x[j] * w[2 * n + j] + b[2 * n + j]);
        gates[3 * n + j] = tanh(hidden[j] * w[3 * n + j] + b[3 * n + j]);
    }
    for (int j = 0; j < n; j++) cell[j] = cell[j] * gates[j] + gates[n + j] * gates[3 * n + j];
    for (int j = 0; j < n; j++) hidden[j] = gates[2 * n + j] * tanh(cell[j]);
}

/* hidden, cell and gates: hidden and cell before the layer, the cell after it apart. */
static void layer_b(int n, const double *x, double *xb, const double *w, double *wb, double *bb,
                    const double *hidden, double *hiddenb, const double *cell,
                    const double *after, double *cellb, const double *gates, double *gatesb) {
    for (int j = n - 1; j >= 0; j--) {
        double t = tanh(after[j]);
        gatesb[2 * n + j] = t * hiddenb[j];
        cellb[j] += gates[2 * n + j] * (1.0 - t * t) * hiddenb[j];
        hiddenb[j] = 0.0;
    }
    for (int j = n - 1; j >= 0; j--) {
        gatesb[j] = cell[j] * cellb[j];
        gatesb[n + j] = gates[3 * n + j] * cellb[j];
        gatesb[3 * n + j] = gates[n + j] * cellb[j];
        cellb[j] = gates[j] * cellb[j];
    }
    for (int j = n - 1; j >= 0; j--) {
        double t = (1.0 - gates[3 * n + j] * gates[3 * n + j]) * gatesb[3 * n + j];
        hiddenb[j] += w[3 * n + j] * t, wb[3 * n + j] += hidden[j] * t, bb[3 * n + j] += t;
        t = gates[2 * n + j] * (1.0 - gates[2 * n + j]) * gatesb[2 * n + j];
        xb[j] += w[2 * n + j] * t, wb[2 * n + j] += x[j] * t, bb[2 * n + j] += t;
        t = gates[n + j] * (1.0 - gates[n + j]) * gatesb[n + j];
        hiddenb[j] += w[n + j] * t, wb[n + j] += hidden[j] * t, bb[n + j] += t;
        t = gates[j] * (1.0 - gates[j]) * gatesb[j];
        xb[j] += w[j] * t, wb[j] += x[j] * t, bb[j] += t;
    }
}

void gradient(int length, int n, int layers, const double *main_, const double *extra,
              const double *start, const double *text, double *mainb, double *extrab) {
    size_t rows = 2 * layers * n;
    double *state = malloc(rows * sizeof(double)), *stateb = calloc(rows, sizeof(double));
    double *x = calloc(n, sizeof(double)), *xb = calloc(n, sizeof(double));
    double *guess = malloc(n * sizeof(double)), *guessb = calloc(n, sizeof(double));
    double *gates = malloc(4 * n * sizeof(double)), *gatesb = malloc(4 * n * sizeof(double));
    double *after = malloc(n * sizeof(double));
    volatile double total = 0.0;
    memcpy(state, start, rows * sizeof(double));
    for (int t = 0; t < length - 1; t++) {
        push_array(x, n);
        for (int j = 0; j < n; j++) x[j] = text[t * n + j] * extra[j];
        for (int l = 0; l < layers; l++) {
            double *hidden = state + 2 * l * n, *cell = hidden + n;
            push_array(hidden, 2 * n);
            layer(n, x, main_ + 8 * l * n, main_ + (8 * l + 4) * n, hidden, cell, gates);
            push_array(gates, 4 * n);
            push_array(x, n);
            memcpy(x, hidden, n * sizeof(double));
        }
        double s = 2.0;
        push_array(guess, n);
        for (int j = 0; j < n; j++) {
            guess[j] = x[j] * extra[n + j] + extra[2 * n + j];
            s += exp(guess[j]);
        }
        for (int j = 0; j < n; j++) total += text[(t + 1) * n + j] * (guess[j] - log(s));
    }
    double totalb = -1.0 / ((double)n * (length - 1));
    for (int t = length - 2; t >= 0; t--) {
        double s = 2.0, logb = 0.0;
        for (int j = 0; j < n; j++) s += exp(guess[j]);
        for (int j = n - 1; j >= 0; j--) {
            guessb[j] += text[(t + 1) * n + j] * totalb;
            logb -= text[(t + 1) * n + j] * totalb;
        }
        for (int j = n - 1; j >= 0; j--) {
            guessb[j] += exp(guess[j]) * (logb / s);
            xb[j] += extra[n + j] * guessb[j];
            extrab[n + j] += x[j] * guessb[j];
            extrab[2 * n + j] += guessb[j];
            guessb[j] = 0.0;
        }
        pop_array(guess, n);
        for (int l = layers - 1; l >= 0; l--) {
            double *hidden = state + 2 * l * n, *cell = hidden + n, *hiddenb = stateb + 2 * l * n;
            for (int j = n - 1; j >= 0; j--) {
                hiddenb[j] += xb[j];
                xb[j] = 0.0;
            }
            pop_array(x, n);
            pop_array(gates, 4 * n);
            memcpy(after, cell, n * sizeof(double));
            pop_array(hidden, 2 * n);
            layer_b(n, x, xb, main_ + 8 * l * n, mainb + 8 * l * n, mainb + (8 * l + 4) * n,
                    hidden, hiddenb, cell, after, hiddenb + n, gates, gatesb);
        }
        for (int j = n - 1; j >= 0; j--) {
            extrab[j] += text[t * n + j] * xb[j];
            xb[j] = 0.0;
        }
        pop_array(x, n);
    }
    free(state), free(stateb), free(x), free(xb), free(guess), free(guessb);
    free(gates), free(gatesb), free(after);
}
