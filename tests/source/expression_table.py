"""NumPy expressions for random programs.

``V`` and ``W`` stand for vectors, ``M`` for a matrix, ``C`` for an array of three axes, ``S`` for a
number; ``k`` is the integer 3.
"""

VECTORS = """
np.cumsum(V) ; np.cumprod(V) ; np.diff(V) ; np.diff(V, 2) ; np.ediff1d(V) ; np.sort(V)
np.sort(V)[::-1] ; np.flip(V) ; np.roll(V, 2) ; np.roll(V, -1) ; np.repeat(V, 2) ; np.tile(V, 2)
np.pad(V, 1) ; np.pad(V, (1, 2), mode="edge") ; np.pad(V, 2, mode="wrap")
np.pad(V, 1, mode="reflect") ; np.pad(V, 1, constant_values=0.5) ; np.clip(V, -0.4, 0.6)
np.where(V > 0.1, V, W) ; np.where(V > W, np.sin(V), 0.2) ; np.maximum(V, W) ; np.minimum(V, 0.3)
np.fmax(V, W) ; np.concatenate([V, W]) ; np.concatenate([V[:2], W[1:], V[-1:]])
np.hstack([V, W]) ; np.append(V, W) ; np.append(V, S) ; np.insert(V, 1, S) ; np.delete(V, 1)
np.stack([V, V]) ; np.stack([V, V], axis=1) ; np.vstack([V, V]) ; np.column_stack([V, V])
np.array([S, S, S]) ; np.array([V[0], S, V[-1]]) ; np.array([[S, V[0]], [V[1], 1.0]])
np.outer(V, W) ; np.multiply.outer(V, W) ; np.add.outer(V, W) ; np.convolve(V, W)
np.convolve(V, W, "same") ; np.correlate(V, W, "valid")
np.interp(S, np.sort(V), np.arange(len(V)) * 1.0)
np.interp(V, np.linspace(-3, 3, 7), np.arange(7) ** 2 * 0.1) ; np.gradient(V)
np.gradient(V, 0.5) ; np.trapezoid(V) ; np.vander(V, 3) ; np.polyval(V, S)
np.polyval([1.0, 2.0, 0.5], V) ; np.diag(V) ; np.diag(V, 1) ; np.diagflat(V)
np.meshgrid(V, W)[0] ; np.meshgrid(V, W, indexing="ij")[1] ; np.take(V, [0, 2, 0])
np.take(V, np.array([1, -1])) ; V.take([0, 1]) ; V[[0, 2, 0]] ; V[np.array([0, 1, 1])]
V[V > 0.1] ; V[np.abs(V) < 0.5] ; V[np.argsort(V)] ; V[np.nonzero(V > 0)[0]] ; V[None, :]
V[:, None] ; V[:, None] * V ; V[:, None] - W[None, :] ; V[..., None] ; V[-1] ; V[int(k)]
V[k - 2] ; V[:k] ; V[k:] ; V[k - 2 :: 2] ; V[::-2] ; V[-2::-1] ; V.reshape(-1, 1)
V.reshape(1, -1) ; V.copy() ; np.array(V) ; np.asarray(V) ; np.ascontiguousarray(V)
np.atleast_1d(V) ; np.atleast_2d(V) ; np.atleast_2d(V).T ; np.expand_dims(V, 0)
np.squeeze(V[None]) ; np.broadcast_to(V, (2, len(V)))
np.broadcast_to(V[:, None], (len(V), 3)).sum(1) ; np.linalg.norm(V) ; np.linalg.norm(V, 1)
np.linalg.norm(V, np.inf) ; np.dot(V, V) ; V @ V ; np.inner(V, V) ; np.vdot(V, V) ; np.median(V)
np.mean(V) ; np.var(V) ; np.std(V) ; np.std(V, ddof=1) ; np.ptp(V) ; np.prod(V) ; np.max(V)
V.min() ; np.average(V, weights=np.arange(1, len(V) + 1)) ; np.average(V, weights=V * V + 0.1)
np.quantile(V, 0.3) ; np.percentile(V, [25, 60]) ; np.nansum(V) ; np.nanmax(V) ; np.cov(V, V * V)
np.corrcoef(V, np.sin(V) + V * V) ; np.searchsorted(np.sort(V), S) * S
np.histogram(V, bins=3)[0] * S ; np.cross(V[:3], W[:3]) ; np.einsum("i,i->", V, V)
np.einsum("i,j->ij", V, W) ; np.einsum("i,i->i", V, V) ; np.tensordot(V, V, 1)
np.tensordot(V, W, 0) ; np.kron(V, W[:2]) ; np.split(V, [2])[0] ; np.split(V, [1, 3])[1]
np.array_split(V, 2)[1] ; np.partition(V, 2)[:2] ; np.unique(V) ; np.ones_like(V) * S
np.full_like(V, S) ; np.full(3, S) ; np.zeros_like(V) + S ; np.linspace(S, 1.0, 4)
np.linspace(0.0, S, 5)[1:] ; np.arange(4) * S ; np.geomspace(1.0, 2.0 + S * S, 4)
np.eye(len(V)) * V ; np.lib.stride_tricks.sliding_window_view(V, 2)
np.lib.stride_tricks.sliding_window_view(V, 2).sum(1) ; np.exp(-V * V) ; np.tanh(V)
np.sin(V) * np.cos(W[0]) ; np.sqrt(V * V + 0.1) ; np.log1p(V * V) ; np.arctan2(V, V * V + 0.5)
np.hypot(V, 1.0) ; np.abs(V) ; np.sign(V) * S ; np.floor(V) * 0.5 + S ; np.square(V) ; V ** 2
V ** 3 ; (V * V + 0.1) ** 0.5 ; (V * V + 0.1) ** S ; 2.0 ** V ; V / (1.0 + W[0] ** 2)
1.0 / (1.5 + V * V) ; -V ; +V ; V - V.mean() ; V / (np.sum(np.abs(V)) + 0.1) ; np.add.reduce(V)
np.add.accumulate(V) ; np.maximum.accumulate(V) ; np.multiply.accumulate(V) ; np.maximum.reduce(V)
np.add.reduceat(V, [0, 2]) ; V.sum() ; V.sum(keepdims=True) ; V.cumsum() ; V.dot(W[: len(V)])
V.clip(-0.2, 0.9) ; V.flatten() ; V.ravel() ; V.T ; V.repeat(2) ; V.astype(np.float64)
V.astype(float, copy=False) ; V.real ; V.tolist()[0] ; sum(V) ; max(V) ; min(V[0], S) ; abs(V[0])
sum([t * t for t in V]) ; np.array([t * S for t in V])
np.array([t + u for t, u in zip(V, V[::-1])]) ; [V, V * 2][k - 3] ; float(V[0]) ; math.sin(V[0])
math.sqrt(V[0] ** 2 + 1.0) ; np.sum(V, where=V > 0)
np.add(V, 1.0, where=V > 0, out=np.zeros_like(V)) ; np.multiply(V, V, out=np.empty_like(V))
np.select([V > 0.3, V < -0.3], [V, V * V], 0.1) ; np.choose(np.arange(len(V)) % 2, [V, V * 2.0])
np.heaviside(V, 0.5) * S ; np.nan_to_num(V) ; np.compress(V > 0, V) ; np.extract(V > 0, V)
np.logaddexp(V, W[0]) ; np.sinc(V) ; np.piecewise(V, [V < 0], [lambda t: -t, lambda t: t * t])
np.apply_along_axis(np.sum, 0, V) ; np.trim_zeros(V) ; np.rint(V) + S ; np.deg2rad(V)
np.unwrap(V) ; np.copysign(V, W[0]) ; np.fmod(V, 0.7) ; np.mod(V, 0.7) ; V // 0.5 + S ; V % 0.7
np.divmod(V, 0.7)[1] ; np.modf(V)[0] ; np.frexp(V)[0] ; np.float64(S) * V ; np.lexsort((V,)) * S
V[np.lexsort((V,))] ; np.count_nonzero(V > 0) * S ; len(V) * S ; V.size * S ; V.shape[0] * V
(V > 0) * V ; (V > 0).sum() * V ; V * (V > W[0]) ; np.any(V > 0) * V ; np.argmax(V) * S
V[np.argmax(V)] ; V[V.argmin()]
"""

MATRICES = """
M.T ; M.T @ M ; M @ M.T ; M @ V ; V @ M ; np.dot(M, M.T) ; np.matmul(M, V) ; np.sum(M, axis=0)
np.sum(M, axis=1) ; np.sum(M, axis=1, keepdims=True) ; np.sum(M) ; M.mean(0)
M.mean(axis=1, keepdims=True) ; M.max(axis=1) ; M.max(axis=0, keepdims=True) ; M.min()
np.var(M, axis=0) ; np.std(M, axis=1, ddof=1) ; np.prod(M, axis=1) ; np.cumsum(M, axis=0)
np.cumsum(M, axis=1) ; np.cumsum(M) ; np.cumprod(M, axis=1) ; np.diff(M, axis=0) ; np.diff(M)
np.sort(M, axis=0) ; np.sort(M, axis=1) ; np.sort(M, axis=None) ; np.median(M, axis=0)
np.median(M) ; np.quantile(M, 0.4, axis=1) ; np.percentile(M, [20, 70], axis=0) ; np.flip(M)
np.flip(M, 1) ; np.fliplr(M) ; np.flipud(M) ; np.rot90(M) ; np.rot90(M, 2) ; np.roll(M, 1)
np.roll(M, 1, axis=0) ; np.roll(M, (1, 2), axis=(0, 1)) ; np.repeat(M, 2, axis=0)
np.repeat(M, 2, axis=1) ; np.tile(M, (2, 1)) ; np.tile(M, 2) ; np.pad(M, 1)
np.pad(M, ((1, 0), (0, 2)), mode="edge") ; np.pad(M, ((0, 0), (1, 1)), mode="wrap")
np.concatenate([M, M]) ; np.concatenate([M, M * 2], axis=1) ; np.concatenate([M, M], axis=None)
np.hstack([M, M]) ; np.vstack([M, M[:1]]) ; np.stack([M, M], axis=0) ; np.stack([M, M], axis=2)
np.dstack([M, M]) ; np.block([[M, M], [M, M]]) ; np.append(M, M, axis=0)
np.insert(M, 1, 0.5, axis=0) ; np.delete(M, 0, axis=1) ; M.reshape(-1) ; M.reshape(-1, 2)
M.T.reshape(-1) ; M.reshape(M.shape[1], M.shape[0]) ; M.reshape(M.shape[1], -1, order="F")
M.ravel() ; M.ravel("F") ; M.flatten() ; M.flatten("F") ; M.T.ravel() ; np.transpose(M)
np.swapaxes(M, 0, 1) ; np.moveaxis(M, 0, 1) ; np.moveaxis(M[None], 0, -1) ; np.expand_dims(M, 1)
M[:, None, :] ; M[:, None, :] - M[None, :, :]
np.sum((M[:, None, :] - M[None, :, :]) ** 2, axis=-1) ; M[None] ; M[..., 0] ; M[0] ; M[-1]
M[:, 1] ; M[1:, :-1] ; M[::2, ::-1] ; M[:, ::-1] ; M[0, 1] ; M[k - 3, :] ; M[:, k - 2]
M[[0, 1, 0]] ; M[:, [1, 0, 1]] ; M[[0, 1], [1, 0]] ; M[np.ix_([0, 1], [1, 2])]
M[np.arange(2), 1] ; M[M > 0.1] ; M[M[:, 0] > -0.5] ; M[:, M[0] > -0.5] ; M[np.argsort(M[:, 0])]
np.take_along_axis(M, np.argsort(M, axis=1), axis=1) ; np.take(M, [0, 1, 1], axis=1)
np.take(M, 2) ; M.take([0, 3]) ; np.diag(M) ; np.diagonal(M) ; np.diag(M, 1) ; np.trace(M)
M.trace(1) ; np.triu(M) ; np.tril(M, -1) ; M[np.triu_indices(2)] ; M[np.diag_indices(2)]
np.einsum("ij->ji", M) ; np.einsum("ij,kj->ik", M, M) ; np.einsum("ij,j->i", M, M[0])
np.einsum("ij,ij->", M, M) ; np.einsum("ij->", M) ; np.einsum("ii", M[:2, :2])
np.tensordot(M, M, axes=([0], [0])) ; np.tensordot(M, M, axes=([1], [1])) ; np.inner(M, M)
np.outer(M, M) ; np.kron(M[:2, :2], M[:1]) ; np.linalg.norm(M) ; np.linalg.norm(M, axis=1)
np.linalg.norm(M, axis=0, keepdims=True) ; np.linalg.norm(M, 1) ; np.where(M > 0, M, -M)
np.where(M > 0, M, M[0]) ; np.where(M[:, :1] > 0, M, 0.1) ; np.maximum(M, M[0])
np.maximum(M, M[:, :1]) ; np.clip(M, -0.3, 0.5) ; np.gradient(M)[0] ; np.gradient(M, axis=1)
np.trapezoid(M, axis=0) ; np.average(M, axis=0, weights=np.arange(1, M.shape[0] + 1)) ; np.cov(M)
np.cov(M, rowvar=False) ; np.split(M, 2, axis=0)[0] ; np.hsplit(M, [1])[1] ; np.vsplit(M, [1])[0]
np.array_split(M, 2, axis=1)[0] ; np.unstack(M)[0] ; np.array([M[0], M[-1]])
np.array([[M[0, 0], S], [S, M[1, 1]]]) ; np.array([row.sum() for row in M])
np.array([row * 2 for row in M]) ; sum(row for row in M) ; [row for row in M][0]
np.array([np.dot(row, row) for row in M]) ; np.linalg.inv(M[:2, :2] @ M[:2, :2].T + np.eye(2))
np.linalg.solve(M[:2, :2] @ M[:2, :2].T + np.eye(2), M[:2, 0])
np.linalg.det(M[:2, :2] + np.eye(2) * 2) ; np.add.reduce(M, axis=1) ; np.add.accumulate(M, axis=0)
np.maximum.accumulate(M, axis=1) ; np.multiply.reduce(M, axis=0)
np.add.reduceat(M, [0, 1], axis=0) ; M - M.mean(0) ; M - M.mean(1, keepdims=True)
M / (1.0 + np.sum(M * M, axis=1, keepdims=True)) ; np.exp(M - M.max(axis=1, keepdims=True))
np.log(np.sum(np.exp(M), axis=1)) ; np.tanh(M @ M.T) ; M * S ; M + M[0] ; M * M[:, :1] ; M ** 2
M.sum((0, 1)) ; M.sum(-1) ; M.cumsum(1) ; M.dot(M.T) ; M.copy() ; M.copy(order="F")
np.asfortranarray(M) ; np.array(M, order="F") ; np.ascontiguousarray(M.T) ; M.astype(np.float64)
M.squeeze() ; M.transpose() ; M.transpose(1, 0) ; M.swapaxes(0, 1) ; M.diagonal() ; M.flat[2]
M.shape[0] * M ; M.size * S ; len(M) * S ; np.broadcast_to(M, (2,) + M.shape)
np.broadcast_arrays(M, M[0])[1] ; np.apply_along_axis(np.sum, 0, M)
np.lib.stride_tricks.sliding_window_view(M, (2, 2))
np.lib.stride_tricks.sliding_window_view(M, 2, axis=1).sum(-1)
np.select([M > 0.3, M < -0.3], [M, M * M], 0.1) ; np.argmax(M, axis=1) * S
M[np.arange(len(M)), np.argmax(M, axis=1)] ; np.any(M > 0, axis=1) * S
np.partition(M, 1, axis=1)[:, 0] ; np.cross(M[:, :3], M[0, :3]) ; np.vander(M[:, 0], 3)
np.squeeze(M[:, :1]) ; np.nanmean(M, axis=0) ; np.ptp(M, axis=0)
np.compress([True, False, True], M, axis=0) ; np.full_like(M, S) ; np.zeros_like(M) + M[0]
np.ones(M.shape) * M ; np.multiply(M, M, out=np.empty_like(M))
np.add(M, M[0], out=np.zeros(M.shape)) ; np.matmul(M, M.T, out=np.empty((M.shape[0], M.shape[0])))
np.sum(M, axis=0, out=np.empty(M.shape[1]))
"""

CUBES = """
C.sum(0) ; C.sum((0, 2)) ; C.mean(axis=-1) ; C.transpose(2, 0, 1) ; C.transpose(1, 0, 2)
np.moveaxis(C, -1, 0) ; np.swapaxes(C, 0, 2) ; C[0] ; C[:, 1] ; C[..., -1] ; C[..., None]
C[:, None] ; C[::-1, :, ::2] ; C[:, [1, 0]] ; C[[0, 1], :, [1, 0]] ; C[[0, 1], [1, 0]]
C[C > 0.1] ; C.reshape(C.shape[0], -1) ; C.reshape(-1, C.shape[-1]) ; C.reshape(-1) ; C.ravel()
C.T ; C.T.ravel() ; C.max(1) ; np.cumsum(C, axis=1) ; np.matmul(C, np.swapaxes(C, 1, 2))
C @ C[0].T ; np.einsum("ijk->kj", C) ; np.einsum("ijk,ijk->i", C, C)
np.einsum("ijk,k->ij", C, C[0, 0]) ; np.einsum("...j->...", C)
np.tensordot(C, C, axes=([0, 1], [0, 1])) ; np.concatenate([C, C], axis=2)
np.stack([C[0], C[1]], axis=-1) ; np.diagonal(C, axis1=1, axis2=2) ; np.trace(C)
np.roll(C, 1, axis=2) ; np.diff(C, axis=0) ; np.sort(C, axis=1) ; np.flip(C, (0, 2))
np.rot90(C, 1, (1, 2)) ; np.pad(C, ((0, 0), (1, 1), (0, 0))) ; np.tile(C, (1, 2, 1))
np.repeat(C, 2, axis=1) ; np.expand_dims(C, (0, 2)) ; np.squeeze(C[:, :1])
np.take(C, [1, 0], axis=2) ; np.linalg.norm(C, axis=(1, 2)) ; np.linalg.norm(C, axis=0)
np.sum(C * C, axis=-1, keepdims=True) ; C - C.mean((1, 2), keepdims=True)
np.array([c.T for c in C]) ; np.where(C > 0, C, C[0]) ; np.tril(C) ; np.median(C, axis=2)
np.argmax(C, axis=0) * S
"""

EXPRESSIONS = [
    expression
    for text in (VECTORS, MATRICES, CUBES)
    for line in text.strip().splitlines()
    for expression in line.split(" ; ")
]
