/* Mixture of Gaussians: the reverse mode of its loops, statement by statement. */
#include "stack.h"

static double log_sum_exp(int n, const double *x) {
    double m = x[0], s = 0.0;
    for (int i = 1; i < n; i++)
        if (x[i] > m) m = x[i];
    for (int i = 0; i < n; i++) s += exp(x[i] - m);
    return log(s) + m;
}

static void log_sum_exp_b(int n, const double *x, double *xb, double b) {
    double m = x[0], s = 0.0, sb, mb, t;
    int at = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > m) { m = x[i]; at = i; }
    for (int i = 0; i < n; i++) s += exp(x[i] - m);
    sb = b / s;
    mb = b;
    for (int i = n - 1; i >= 0; i--) {
        t = exp(x[i] - m) * sb;
        xb[i] += t;
        mb -= t;
    }
    xb[at] += mb;
}

static void product(int d, const double *diag, const double *low, const double *x, double *y) {
    int at = 0;
    for (int i = 0; i < d; i++) y[i] = diag[i] * x[i];
    for (int i = 0; i < d; i++)
        for (int j = i + 1; j < d; j++) y[j] += low[at++] * x[i];
}

static void product_b(int d, const double *diag, double *diagb, const double *low, double *lowb,
                      const double *x, double *xb, double *yb) {
    int at = d * (d - 1) / 2;
    for (int i = d - 1; i >= 0; i--)
        for (int j = d - 1; j > i; j--) {
            at--;
            lowb[at] += x[i] * yb[j];
            xb[i] += low[at] * yb[j];
        }
    for (int i = d - 1; i >= 0; i--) {
        diagb[i] += x[i] * yb[i];
        xb[i] += diag[i] * yb[i];
        yb[i] = 0.0;
    }
}

void gradient(int n, int d, int parts, const double *alphas, const double *means,
              const double *log_diag, const double *low, const double *points, double *alphasb,
              double *meansb, double *log_diagb, double *lowb) {
    int tri = d * (d - 1) / 2;
    double *diag = malloc(parts * d * sizeof(double)), *diagb = calloc(parts * d, sizeof(double));
    double *sums = malloc(parts * sizeof(double)), *sumsb = calloc(parts, sizeof(double));
    double *x = malloc(d * sizeof(double)), *y = malloc(d * sizeof(double));
    double *xb = calloc(d, sizeof(double)), *yb = calloc(d, sizeof(double));
    double *term = malloc(parts * sizeof(double)), *termb = calloc(parts, sizeof(double));
    volatile double total = 0.0, wishart = 0.0, s;
    for (int k = 0; k < parts; k++) {
        sums[k] = 0.0;
        for (int i = 0; i < d; i++) {
            sums[k] += log_diag[k * d + i];
            diag[k * d + i] = exp(log_diag[k * d + i]);
        }
    }
    for (int p = 0; p < n; p++) {
        for (int k = 0; k < parts; k++) {
            push_array(x, d);
            for (int i = 0; i < d; i++) x[i] = points[p * d + i] - means[k * d + i];
            push_array(y, d);
            product(d, diag + k * d, low + k * tri, x, y);
            double squared = 0.0;
            for (int i = 0; i < d; i++) squared += y[i] * y[i];
            push(term[k]);
            term[k] = alphas[k] + sums[k] - 0.5 * squared;
        }
        total += log_sum_exp(parts, term);
    }
    total -= n * log_sum_exp(parts, alphas);
    for (int k = 0; k < parts; k++) {
        s = 0.0;
        for (int i = 0; i < d; i++) s += diag[k * d + i] * diag[k * d + i];
        for (int i = 0; i < tri; i++) s += low[k * tri + i] * low[k * tri + i];
        wishart += 0.5 * s - sums[k];
    }
    total -= wishart;

    for (int k = parts - 1; k >= 0; k--) {
        sumsb[k] += 1.0;
        for (int i = tri - 1; i >= 0; i--) lowb[k * tri + i] -= low[k * tri + i];
        for (int i = d - 1; i >= 0; i--) diagb[k * d + i] -= diag[k * d + i];
    }
    log_sum_exp_b(parts, alphas, alphasb, -n);
    for (int p = n - 1; p >= 0; p--) {
        log_sum_exp_b(parts, term, termb, 1.0);
        for (int k = parts - 1; k >= 0; k--) {
            term[k] = pop();
            alphasb[k] += termb[k];
            sumsb[k] += termb[k];
            for (int i = d - 1; i >= 0; i--) yb[i] += 2.0 * y[i] * (-0.5 * termb[k]);
            termb[k] = 0.0;
            pop_array(y, d);
            product_b(d, diag + k * d, diagb + k * d, low + k * tri, lowb + k * tri, x, xb, yb);
            pop_array(x, d);
            for (int i = d - 1; i >= 0; i--) {
                meansb[k * d + i] -= xb[i];
                xb[i] = 0.0;
            }
        }
    }
    for (int k = parts - 1; k >= 0; k--)
        for (int i = d - 1; i >= 0; i--)
            log_diagb[k * d + i] += diag[k * d + i] * diagb[k * d + i] + sumsb[k];
    free(diag), free(diagb), free(sums), free(sumsb), free(x), free(y), free(xb), free(yb);
    free(term), free(termb);
}
