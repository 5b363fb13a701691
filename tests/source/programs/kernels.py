"""Short kernels as benchmark suites collect them: products, contractions, tables, histograms."""

import numpy as np

from source.programs.catalogue import numbers, program


@program(
    1.1, 0.9, numbers(4, 4, seed=1), numbers(4, seed=2), numbers(4, seed=3), numbers(4, seed=4),
    numbers(4, seed=5), numbers(4, seed=6), numbers(4, seed=7), numbers(4, seed=8),
    numbers(4, seed=9), analytic=True,
)  # fmt: skip
def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * y @ A + z
    w += alpha * A @ x
    return w


@program(numbers(5, 4, seed=10), numbers(4, seed=11), numbers(5, seed=12))
def bicg(A, p, r):
    return r @ A, A @ p


@program(3, 2, 4, numbers(3, 2, 4, seed=13), numbers(4, 4, seed=14))
def doitgen(NR, NQ, NP, A, C4):
    for r in range(NR):
        for q in range(NQ):
            A[r, q, :] = A[r, q, :] @ C4
    A[:] = np.reshape(np.reshape(A, (NR, NQ, 1, NP)) @ C4, (NR, NQ, NP))
    return A


@program(numbers(4, 4, seed=15))
def trace_and_add(a):
    trace = 0.0
    for i in range(a.shape[0]):
        trace += np.tanh(a[i, i])
    return a + trace


@program(numbers(6, seed=16), numbers(6, seed=17), numbers(6, seed=18), numbers(6, seed=19) + 2)
def arc_distance(theta_1, phi_1, theta_2, phi_2):
    """Great-circle distances between pairs of points."""
    temp = (
        np.sin((theta_2 - theta_1) / 2) ** 2
        + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2) ** 2
    )
    return 2 * np.arctan2(np.sqrt(temp), np.sqrt(1 - temp))


@program(6, np.array([0, 3, 1, 2, 2, 1]), numbers(6, seed=20, low=0.5))
def base_pairing(N, seq, weight):
    """Dynamic programming over intervals, growing from the end, with a branch on a match."""
    table = np.zeros((N, N))
    for i in range(N - 1, -1, -1):
        for j in range(i + 1, N):
            if j - 1 >= 0:
                table[i, j] = max(table[i, j], table[i, j - 1])
            if i + 1 < N:
                table[i, j] = max(table[i, j], table[i + 1, j])
            if j - 1 >= 0 and i + 1 < N:
                if i < j - 1:
                    match = weight[i] * weight[j] if seq[i] + seq[j] == 3 else 0.0
                    table[i, j] = max(table[i, j], table[i + 1, j - 1] + match)
                else:
                    table[i, j] = max(table[i, j], table[i + 1, j - 1])
            for k in range(i + 1, j):
                table[i, j] = max(table[i, j], table[i, k] + table[k + 1, j])
    return table


@program(
    np.array([[0, 1, 2], [2, 0, 1], [1, 2, 0]]), numbers(3, 3, 2, 2, seed=21),
    numbers(3, 2, 2, seed=22), numbers(3, 3, seed=23),
)  # fmt: skip
def self_energies(neigh_idx, dH, G, D):
    """Contractions of small matrices over neighbour lists, added up in a deep loop nest."""
    Sigma = np.zeros_like(G)
    for k in range(G.shape[0]):
        for q in range(2):
            for a in range(neigh_idx.shape[0]):
                if k - q >= 0:
                    dHG = G[k - q] @ dH[a, neigh_idx[a, q]]
                    dHD = dH[neigh_idx[a, q], a] * D[a, k]
                    Sigma[k] += dHG @ dHD
    return Sigma


def bin_edges_of(a, bins):
    edges = np.zeros((bins + 1,), dtype=np.float64)
    a_min = a.min()
    a_max = a.max()
    delta = (a_max - a_min) / bins
    for i in range(edges.shape[0]):
        edges[i] = a_min + i * delta
    edges[-1] = a_max
    return edges


def bin_of(x, edges):
    n = edges.shape[0] - 1
    a_min, a_max = edges[0], edges[-1]
    if x == a_max:
        return n - 1
    bin = int(n * (x - a_min) / (a_max - a_min))
    if bin < 0 or bin >= n:
        return None
    return bin


@program(4, numbers(12, seed=24, low=0.1), np.linspace(-1.0, 2.0, 12), wrt=(1,))
def weighted_histogram(bins, weights, radius):
    """Bins found one sample at a time; a helper that returns an integer or None."""
    hist = np.zeros((bins,), weights.dtype)
    count = np.zeros((bins,), dtype=np.int64)
    edges = bin_edges_of(radius, bins)
    for i in range(radius.shape[0]):
        bin = bin_of(radius[i], edges)
        if bin is not None:
            hist[int(bin)] += weights[i]
            count[int(bin)] += 1
    return hist / count


@program(5, numbers(5, seed=26), numbers(5, 4, seed=27), numbers(5, 5, seed=28))
def scalar_products(N, x, B, C):
    """Every sum written out with scalars and flat indices."""
    out = np.zeros(N * 4)
    for i in range(N):
        for j in range(4):
            acc = 0
            for k in range(N):
                acc = acc + C[i][k] * B[k][j] * x[k]
            out[i * 4 + j] = acc
    return out.reshape(N, 4)


@program(numbers(3, 4, seed=29), numbers(3, 4, seed=30), 2.0, 3.0)
def clip_and_blend(array_1, array_2, a, b):
    return np.clip(array_1, -0.5, 0.6) * a + array_2 * b + 9.0 * (array_1 > array_2)


@program(numbers(20, seed=31, low=0.5), numbers(20, seed=32, low=0.0), 4, wrt=(0,))
def azimuthal_mean(data, radius, npt):
    """The mean of the samples in each bin, by histograms with and without weights."""
    counts, edges = np.histogram(radius, npt)
    sums = np.histogram(radius, npt, weights=data)[0]
    density, _ = np.histogram(radius, bins=edges, weights=data**2, density=True)
    return sums / counts, density
