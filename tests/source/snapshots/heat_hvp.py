def heat_grad_jvp(u, nu, u_dot):
    u_dot = u_dot.copy()
    u = u.copy()
    for _ in range(10):
        u_dot[1:-1] += nu * (u_dot[2:] - 2 * u_dot[1:-1] + u_dot[:-2])
        u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
    u_ct_dot = 2 * u_dot
    u_ct = 2 * u
    # for _ in range(10):
    for _ in reversed(range(10)):
        # u[1:-1] += nu * (u[2:] - 2 * u[1:-1] + u[:-2])
        t_ct_dot = u_ct_dot[1:-1] * nu
        t_ct = u_ct[1:-1] * nu
        u_ct_dot[2:] += t_ct_dot
        u_ct[2:] += t_ct
        u_ct_dot[1:-1] -= t_ct_dot * 2
        u_ct[1:-1] -= t_ct * 2
        u_ct_dot[:-2] += t_ct_dot
        u_ct[:-2] += t_ct
    return u_ct, u_ct_dot
