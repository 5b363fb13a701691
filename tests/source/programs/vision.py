"""Geometry: cameras, rotations, skeletons."""

# ruff: noqa: B007, B905, SIM108 - as scientists write it

from collections import namedtuple
from math import cos, sin

import numpy as np

from source.programs.catalogue import numbers, program

Camera = namedtuple("Camera", "rot centre focal x0 rad")


def rodrigues_rotate_point(rot, X):
    """Rotate a point about an axis whose length is the angle."""
    sqtheta = np.sum(rot * rot)
    if sqtheta > 1e-10:
        theta = np.sqrt(sqtheta)
        costheta = np.cos(theta)
        sintheta = np.sin(theta)
        w = rot / theta
        w_cross_X = np.cross(w, X)
        tmp = np.dot(w, X) * (1.0 - costheta)
        return X * costheta + w_cross_X * sintheta + w * tmp
    return X + np.cross(rot, X)


def radial_distort(rad_params, proj):
    rsq = np.dot(proj, proj)
    L = 1.0 + rad_params[0] * rsq + rad_params[1] * rsq * rsq
    return proj * L


def project(cam, X):
    Xcam = rodrigues_rotate_point(cam.rot, X - cam.centre)
    distorted = radial_distort(cam.rad, Xcam[:2] / Xcam[2])
    return distorted * cam.focal + cam.x0


@program(
    [
        Camera(
            0.4 * numbers(3, seed=i), np.array([0.2, -0.1, -4.0]), 1.3, numbers(2, seed=i),
            0.1 * numbers(2, seed=i + 20),
        )
        for i in (1, 2)
    ],
    numbers(3, 3, seed=3), numbers(5, seed=4, low=0.5), numbers(5, 2, seed=5),
    np.array([[0, 0], [0, 1], [1, 1], [1, 2], [0, 2]]), wrt=(0, 1, 2),
)  # fmt: skip
def bundle_adjustment(cams, points, w, feats, obs):
    """Reprojection errors of observations, each of one camera and one point."""
    reproj_err = np.empty((len(obs), 2))
    for i, (point_index, camera_index) in enumerate(zip(obs[:, 1], obs[:, 0])):
        if camera_index == 0:
            cam = cams[0]
        else:
            cam = cams[1]
        reproj_err[i] = w[i] * (project(cam, points[point_index]) - feats[i])
    w_err = 1.0 - np.square(w)
    return reproj_err, w_err


@program(
    0.4 * numbers(2, 11, seed=6) + np.array([0, 0, 0, 0, 0, -4.0, 1, 0, 0, 0, 0]),
    numbers(3, 3, seed=7),
    numbers(5, 2, seed=8), np.array([[0, 0], [0, 1], [1, 1], [1, 2], [0, 2]]), wrt=(0, 1),
)  # fmt: skip
def reprojection_scalars(cams, X, feats, obs):
    """The same as a sum of squares with scalar arithmetic on rows of a parameter table."""
    loss = 0.0
    for k in range(obs.shape[0]):
        c, p = obs[k]
        par = cams[c]
        dx = X[p, 0] - par[3]
        dy = X[p, 1] - par[4]
        dz = X[p, 2] - par[5]
        a, b, g = par[0], par[1], par[2]
        y1 = cos(a) * dy - sin(a) * dz
        z1 = sin(a) * dy + cos(a) * dz
        x2 = cos(b) * dx + sin(b) * z1
        z2 = -sin(b) * dx + cos(b) * z1
        u = (cos(g) * x2 - sin(g) * y1) / z2
        v = (sin(g) * x2 + cos(g) * y1) / z2
        r2 = u * u + v * v
        f = par[6] * (1 + par[7] * r2 + par[8] * r2**2)
        loss += (f * u + par[9] - feats[k, 0]) ** 2 + (f * v + par[10] - feats[k, 1]) ** 2
    return loss


def to_transform(angles, offset):
    """4x4 transform from Euler angles, row by row."""
    sx, cx = np.sin(angles[0]), np.cos(angles[0])
    sy, cy = np.sin(angles[1]), np.cos(angles[1])
    sz, cz = np.sin(angles[2]), np.cos(angles[2])
    M = np.eye(4)
    M[:3, :3] = np.array(
        [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ]
    )
    M[:3, 3] = offset
    return M


PARENTS = (-1, 0, 1, 1)


@program(
    numbers(4, 3, seed=9), numbers(4, 3, seed=10), numbers(6, 3, seed=11),
    numbers(6, 4, seed=12, low=0.1), numbers(6, 3, seed=13),
)  # fmt: skip
def hand_skinning(theta, bones, vertices, weights, targets):
    """Transforms down a tree of bones, then every vertex blended over them."""
    absolutes = []
    for i, parent in enumerate(PARENTS):
        rel = to_transform(theta[i], bones[i])
        if parent == -1:
            absolutes.append(rel)
        else:
            absolutes.append(absolutes[parent] @ rel)
    homogeneous = np.ones((vertices.shape[0], 4))
    homogeneous[:, :3] = vertices
    weights = weights / weights.sum(axis=1, keepdims=True)
    moved = np.zeros((len(vertices), 3))
    for i, T in enumerate(absolutes):
        moved += weights[:, i : i + 1] * (homogeneous @ T.T)[:, :3]
    err = moved - targets
    return err.ravel()


@program(
    numbers(4, 3, seed=30), numbers(4, 4, 4, seed=31), np.array([-1, 0, 1, 0]),
    numbers(5, 4, seed=32),
)  # fmt: skip
def posed_skeleton(theta, relatives, parents, base_positions):
    """The parents of bones in an array: which transform is read of a list that grows."""
    absolutes = []
    for i in range(len(parents)):
        relative = relatives[i] @ to_transform(theta[i], np.zeros(3))
        if parents[i] == -1:
            absolutes.append(relative)
        else:
            absolutes.append(absolutes[parents[i]] @ relative)
    positions = np.stack([np.dot(T, base_positions.T).T for T in absolutes], axis=-1)
    return positions.sum(axis=-1)[:, :3]


@program(numbers(5, 3, seed=14), numbers(5, 3, seed=15), numbers(3, seed=16) * 0.3)
def register_points(source, target, omega):
    """Gauss-Newton on a rotation: normal equations added up point by point."""
    R = np.eye(3)
    t = np.zeros(3)
    for it in range(3):
        JtJ = 0.5 * np.eye(6)
        Jtr = np.zeros(6)
        for s, q in zip(source, target):
            p = R @ s
            r = p + t - q
            J = np.zeros((3, 6))
            J[:, :3] = -np.array([[0, -p[2], p[1]], [p[2], 0, -p[0]], [-p[1], p[0], 0]])
            J[[0, 1, 2], [3, 4, 5]] = 1.0
            JtJ += J.T @ J
            Jtr += J.T @ r
        step = -np.linalg.solve(JtJ, Jtr)
        step[:3] += 0.1 * omega
        wx, wy, wz = step[:3]
        W = np.array([[0.0, -wz, wy], [wz, 0.0, -wx], [-wy, wx, 0.0]])
        R = (np.eye(3) + W + 0.5 * W @ W) @ R
        t = t + step[3:]
    return R, t


@program(numbers(6, 6, seed=17), numbers(4, 2, seed=18, low=0.3, high=4.4))
def bilinear_tracker(image, where):
    """Patches sampled between pixels; integer corners and fractional weights."""
    total = np.zeros(len(where))
    for n, (x, y) in enumerate(where):
        i, j = int(np.floor(x)), int(np.floor(y))
        a, b = x - i, y - j
        value = 0.0
        for di, wi in ((0, 1 - a), (1, a)):
            for dj, wj in ((0, 1 - b), (1, b)):
                value += wi * wj * image[i + di, j + dj]
        total[n] = value
    return total - total.mean()
