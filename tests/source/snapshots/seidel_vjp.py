def seidel_vjp(a, sweeps, a_ct):
    stack = []
    a = a.copy()
    n = a.shape[0]
    for _ in range(sweeps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                stack.append(a[i, j])
                a[i, j] = 0.25 * (a[i - 1, j] + a[i, j - 1] + a[i + 1, j] * a[i, j + 1])
    a_value = a.copy()
    a_ct = a_ct.copy()
    # for _ in range(sweeps):
    for _ in reversed(range(sweeps)):
        # for i in range(1, n - 1):
        for i in reversed(range(1, n - 1)):
            # for j in range(1, n - 1):
            for j in reversed(range(1, n - 1)):
                # a[i, j] = 0.25 * (a[i - 1, j] + a[i, j - 1] + a[i + 1, j] * a[i, j + 1])
                a[i, j] = stack.pop()
                t_ct = a_ct[i, j] * 0.25
                a_ct[i, j] = 0.0
                a_ct[i - 1, j] += t_ct
                a_ct[i, j - 1] += t_ct
                a_ct[i + 1, j] += t_ct * a[i, j + 1]
                a_ct[i, j + 1] += t_ct * a[i + 1, j]
    return a_value, (a_ct,)
