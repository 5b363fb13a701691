"""Transforms, spectra, integrals over images: complex numbers, masks and histograms."""

# ruff: noqa: B007, B905, SIM300 - as scientists write it

import cmath
import math

import numpy as np

from source.programs.catalogue import numbers, program


def mgrid(xn, yn):
    """Coordinates of a grid, as np.mgrid gives them."""
    Xi = np.empty((xn, yn), dtype=np.int64)
    Yi = np.empty((xn, yn), dtype=np.int64)
    for i in range(xn):
        Xi[i, :] = i
    for j in range(yn):
        Yi[:, j] = j
    return Xi, Yi


@program(8, 2, 3, numbers(8, seed=1) + 1j * numbers(8, seed=2))
def stockham_fft(N, R, K, x):
    """Fast Fourier transform: K stages of twiddles, small DFT products, transposes."""
    y = np.empty_like(x)
    ii, jj = mgrid(R, R)
    dft_mat = np.exp(-2.0j * np.pi * ii * jj / R)
    y[:] = x[:]
    ii, jj = mgrid(R, R ** (K - 1))
    for i in range(K):
        yv = np.reshape(y, (R**i, R, R ** (K - i - 1)))
        tmp_perm = np.transpose(yv, axes=(1, 0, 2))
        D = np.empty((R, R**i, R ** (K - i - 1)), dtype=np.complex128)
        tmp = np.exp(-2.0j * np.pi * ii[:, : R**i] * jj[:, : R**i] / R ** (i + 1))
        D[:] = np.repeat(np.reshape(tmp, (R, R**i, 1)), R ** (K - i - 1), axis=2)
        tmp_twid = np.reshape(tmp_perm, (N,)) * np.reshape(D, (N,))
        y[:] = np.reshape(dft_mat @ np.reshape(tmp_twid, (R, R ** (K - 1))), (N,))
    return y


@program(numbers(8, seed=3), numbers(8, seed=4))
def fft_recursive(re, im):
    """Recursion on even and odd halves; ends at length one."""

    def fft(z):
        n = z.shape[0]
        if n == 1:
            return z
        even = fft(z[::2])
        odd = fft(z[1::2])
        w = np.exp(-2j * math.pi * np.arange(n // 2) / n) * odd
        return np.concatenate([even + w, even - w])

    out = fft(re + 1j * im)
    return out.real, out.imag


@program(
    2, numbers(3, 3, seed=5) + 1j * numbers(3, 3, seed=6),
    numbers(3, 3, seed=7) + 1j * numbers(3, 3, seed=8) + 3 * np.eye(3), numbers(3, 2, seed=9),
)  # fmt: skip
def contour_integral(slab_per_bc, H0, H1, Y):
    """Points on a contour; at each a matrix polynomial is built and solved with."""
    NR = H0.shape[0]
    int_pts = np.array([1.5 + 0.3j, 0.4 + 1.1j, -0.8 + 0.6j, -0.2 - 1.3j])
    P0 = np.zeros((NR, Y.shape[1]), dtype=np.complex128)
    P1 = np.zeros((NR, Y.shape[1]), dtype=np.complex128)
    for idx in range(int_pts.shape[0]):
        z = int_pts[idx]
        Tz = np.zeros((NR, NR), dtype=np.complex128)
        for n in range(slab_per_bc + 1):
            zz = np.power(z, slab_per_bc / 2 - n)
            if n % 2 == 0:
                Tz += zz * H0
            else:
                Tz += zz * H1
        X = np.linalg.inv(Tz) @ Y if NR == Y.shape[1] else np.linalg.solve(Tz, Y)
        if abs(z) < 1.0:
            X = -X
        P0 += X
        P1 += z * X
    return P0, P1


@program(0.7 + 0.4j, numbers(4, seed=10))
def residues(centre, coefficients):
    """A contour integral with Python's complex numbers and cmath, one scalar at a time."""
    total = 0j
    n = 12
    for k in range(n):
        z = centre + 2.5 * cmath.exp(2j * math.pi * k / n)
        p = 0j
        for c in coefficients:
            p = p * z + c
        total += p / (z - centre - 0.3) * 2.5 * cmath.exp(2j * math.pi * k / n)
    return abs(total / n), (total / n).conjugate()


@program(
    6, numbers(30, seed=11, low=0.1, high=1.0), np.linspace(0.0, 0.999, 30) ** 2 + 1e-3, wrt=(1,)
)
def azimuthal_integration(npt, data, radius):
    """Histogram of a detector image over rings: weighted counts over counts."""
    bins = np.linspace(0, 1.01, npt + 1)
    intensity = np.zeros(npt)
    for i in range(npt):
        in_ring = np.logical_and(radius >= bins[i], radius < bins[i + 1])
        if in_ring.any():
            intensity[i] = data[in_ring].mean()
    histu = np.histogram(radius, npt)[0]
    return intensity * histu, intensity


@program(numbers(12, seed=12, low=0.05, high=3.95), numbers(12, seed=13))
def soft_histogram(samples, weights):
    """Each sample goes to its bin and the next one; the bins are found with floor and astype."""
    hist = np.zeros(5)
    for s, w in zip(samples, weights):
        b = int(s)
        frac = s - b
        hist[b] += w * (1 - frac)
        hist[b + 1] += w * frac
    cdf = np.cumsum(hist)
    return cdf / (1 + np.abs(cdf[-1]))


@program(numbers(6, 6, seed=14), numbers(3, 3, seed=15))
def blur_and_sharpen(image, kernel):
    """Padding by hand, correlation with nested loops, an unsharp mask."""
    pad = np.zeros((image.shape[0] + 2, image.shape[1] + 2))
    pad[1:-1, 1:-1] = image
    pad[0, :] = pad[1, :]
    pad[-1, :] = pad[-2, :]
    pad[:, 0] = pad[:, 1]
    pad[:, -1] = pad[:, -2]
    k = np.exp(kernel) / np.sum(np.exp(kernel))
    out = 0.0 * image
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            window = pad[1 + di : 7 + di, 1 + dj : 7 + dj]
            out += k[di + 1, dj + 1] * window
    return image + 0.7 * (image - out)


@program(numbers(16, seed=16), numbers(2, seed=17) + 3.0)
def haar_wavelet(signal, thresholds):
    """In-place transform of a shrinking prefix, soft threshold, and back."""
    a = signal.copy()
    n = a.size
    length = n
    while length > 2:
        half = length // 2
        s = (a[:length:2] + a[1:length:2]) / math.sqrt(2)
        d = (a[:length:2] - a[1:length:2]) / math.sqrt(2)
        a[:half] = s
        a[half:length] = d / (1 + thresholds[0] * d * d)
        length = half
    while length < n:
        s, d = a[:length].copy(), a[length : 2 * length].copy()
        a[0 : 2 * length : 2] = (s + d) / math.sqrt(2)
        a[1 : 2 * length : 2] = (s - d) / math.sqrt(2)
        length *= 2
    return a * thresholds[1]


@program(numbers(9, seed=18), 0.3, 1.7)
def goertzel(x, f0, gain):
    """Power at one frequency, and at three of its multiples, by a two-term recurrence."""
    powers = {}
    for harmonic in range(1, 4):
        w = 2 * np.pi * f0 * harmonic
        coeff = 2 * np.cos(w)
        s1 = s2 = 0.0
        for sample in x:
            s0 = gain * sample + coeff * s1 - s2
            s2, s1 = s1, s0
        powers[harmonic] = s1 * s1 + s2 * s2 - coeff * s1 * s2
    return powers


@program(numbers(5, 4, seed=19), numbers(5, 4, seed=20))
def mandelbrot_smooth(re, im):
    """Iterate a map on all points, freezing those that have left: masks on complex arrays."""
    c = 0.4 * (re + 1j * im)
    z = np.zeros(c.shape, dtype=np.complex128)
    alive = np.ones(c.shape, dtype=bool)
    for n in range(5):
        z[alive] = z[alive] ** 2 + c[alive]
        alive = alive & (np.abs(z) < 0.45)
    return np.abs(z) ** 2, z.imag
