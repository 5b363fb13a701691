/* Bundle adjustment: the reverse mode of its loops, statement by statement. */
#include "stack.h"

static double dot(const double *a, const double *b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void dot_b(const double *a, double *ab, const double *b, double *bb, double out) {
    for (int i = 2; i >= 0; i--) {
        ab[i] += b[i] * out;
        bb[i] += a[i] * out;
    }
}

static void cross(const double *a, const double *b, double *out) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static void cross_b(const double *a, double *ab, const double *b, double *bb, double *out) {
    ab[0] += b[1] * out[2], bb[1] += a[0] * out[2], ab[1] -= b[0] * out[2], bb[0] -= a[1] * out[2];
    out[2] = 0.0;
    ab[2] += b[0] * out[1], bb[0] += a[2] * out[1], ab[0] -= b[2] * out[1], bb[2] -= a[0] * out[1];
    out[1] = 0.0;
    ab[1] += b[2] * out[0], bb[2] += a[1] * out[0], ab[2] -= b[1] * out[0], bb[1] -= a[2] * out[0];
    out[0] = 0.0;
}

static void rotate(const double *r, const double *x, double *out) {
    double w[3], c[3], squared = dot(r, r);
    if (squared == 0.0) {
        cross(r, x, c);
        for (int i = 0; i < 3; i++) out[i] = x[i] + c[i];
        return;
    }
    double theta = sqrt(squared), co = cos(theta), si = sin(theta);
    for (int i = 0; i < 3; i++) w[i] = r[i] / theta;
    cross(w, x, c);
    double along = dot(w, x) * (1.0 - co);
    for (int i = 0; i < 3; i++) out[i] = x[i] * co + c[i] * si + w[i] * along;
}

static void rotate_b(const double *r, double *rb, const double *x, double *xb, double *outb) {
    double w[3] = {0}, c[3] = {0}, squared = dot(r, r), wb[3] = {0}, cb[3] = {0};
    if (squared == 0.0) {
        for (int i = 2; i >= 0; i--) xb[i] += outb[i], cb[i] += outb[i], outb[i] = 0.0;
        cross_b(r, rb, x, xb, cb);
        return;
    }
    double theta = sqrt(squared), co = cos(theta), si = sin(theta);
    for (int i = 0; i < 3; i++) {
        push(w[i]);
        w[i] = r[i] / theta;
    }
    push_array(c, 3);
    cross(w, x, c);
    double inner = dot(w, x), along = inner * (1.0 - co);
    double cob = 0.0, sib = 0.0, alongb = 0.0, thetab = 0.0;
    for (int i = 2; i >= 0; i--) {
        xb[i] += co * outb[i], cob += x[i] * outb[i];
        cb[i] += si * outb[i], sib += c[i] * outb[i];
        wb[i] += along * outb[i], alongb += w[i] * outb[i];
        outb[i] = 0.0;
    }
    cob -= inner * alongb;
    dot_b(w, wb, x, xb, (1.0 - co) * alongb);
    pop_array(c, 3);
    cross_b(w, wb, x, xb, cb);
    for (int i = 2; i >= 0; i--) {
        w[i] = pop();
        rb[i] += wb[i] / theta;
        thetab -= r[i] * wb[i] / (theta * theta);
    }
    thetab += co * sib - si * cob;
    for (int i = 2; i >= 0; i--) rb[i] += 2.0 * r[i] * (thetab / (2.0 * theta));
}

static double observation(const double *cam, const double *point, double weight,
                          const double *feature) {
    double x[3], seen[3], flat[2], error[2], slack;
    for (int i = 0; i < 3; i++) x[i] = point[i] - cam[3 + i];
    rotate(cam, x, seen);
    for (int i = 0; i < 2; i++) flat[i] = seen[i] / seen[2];
    double r2 = flat[0] * flat[0] + flat[1] * flat[1];
    double scale = (1.0 + cam[9] * r2 + cam[10] * r2 * r2) * cam[6];
    for (int i = 0; i < 2; i++) error[i] = weight * (flat[i] * scale + cam[7 + i] - feature[i]);
    slack = 1.0 - weight * weight;
    return error[0] * error[0] + error[1] * error[1] + slack * slack;
}

static void observation_b(const double *cam, double *camb, const double *point, double *pointb,
                          double weight, double *weightb, const double *feature, double b) {
    double x[3], seen[3], flat[2], error[2], xb[3] = {0}, seenb[3] = {0}, flatb[2] = {0}, errorb;
    for (int i = 0; i < 3; i++) x[i] = point[i] - cam[3 + i];
    rotate(cam, x, seen);
    for (int i = 0; i < 2; i++) flat[i] = seen[i] / seen[2];
    double r2 = flat[0] * flat[0] + flat[1] * flat[1];
    double bulge = 1.0 + cam[9] * r2 + cam[10] * r2 * r2, scale = bulge * cam[6];
    for (int i = 0; i < 2; i++) {
        error[i] = flat[i] * scale + cam[7 + i] - feature[i];
        push(error[i]);
        error[i] = weight * error[i];
    }
    double slack = 1.0 - weight * weight, scaleb = 0.0, bulgeb, r2b;
    *weightb -= 2.0 * weight * (2.0 * slack * b);
    for (int i = 1; i >= 0; i--) {
        errorb = 2.0 * error[i] * b;
        error[i] = pop();
        *weightb += error[i] * errorb;
        errorb = weight * errorb;
        flatb[i] += scale * errorb;
        scaleb += flat[i] * errorb;
        camb[7 + i] += errorb;
    }
    camb[6] += bulge * scaleb;
    bulgeb = cam[6] * scaleb;
    camb[9] += r2 * bulgeb;
    camb[10] += r2 * r2 * bulgeb;
    r2b = (cam[9] + 2.0 * r2 * cam[10]) * bulgeb;
    for (int i = 1; i >= 0; i--) flatb[i] += 2.0 * flat[i] * r2b;
    for (int i = 1; i >= 0; i--) {
        seenb[i] += flatb[i] / seen[2];
        seenb[2] -= seen[i] * flatb[i] / (seen[2] * seen[2]);
    }
    rotate_b(cam, camb, x, xb, seenb);
    for (int i = 2; i >= 0; i--) pointb[i] += xb[i], camb[3 + i] -= xb[i];
}

void gradient(int count, const double *cams, const double *points, const double *weights,
              const long *obs, const double *features, double *camsb, double *pointsb,
              double *weightsb) {
    volatile double total = 0.0;
    for (int i = 0; i < count; i++)
        total += observation(cams + 11 * obs[2 * i], points + 3 * obs[2 * i + 1], weights[i],
                             features + 2 * i);
    for (int i = count - 1; i >= 0; i--) {
        long c = obs[2 * i], p = obs[2 * i + 1];
        observation_b(cams + 11 * c, camsb + 11 * c, points + 3 * p, pointsb + 3 * p, weights[i],
                      weightsb + i, features + 2 * i, 1.0);
    }
}
