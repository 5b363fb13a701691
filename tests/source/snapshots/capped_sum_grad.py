import numpy as np


def capped_sum_grad(x, cap):
    stack = []
    t1 = t2 = None
    total = 0.0
    stop = False
    bound = x.shape[0]
    trips = 0
    for i in range(bound):
        if x[i] > 0:
            t1 = np.sqrt(x[i])
            stack.append(total)
            total += t1
        else:
            t2 = np.exp(x[i])
            stack.append(total)
            total = total * t2
        if total > cap:
            stop = True
        trips += 1
        stack += [t1, t2]
        if stop:
            break
    total_ct = 1.0
    # for i in range(len(x)):
    x_ct = np.zeros_like(x)
    for i in reversed(range(bound)[:trips]):
        t2, t1 = stack.pop(), stack.pop()
        # if x[i] > 0:
        if x[i] > 0:
            # total = total + np.sqrt(x[i])
            total = stack.pop()
            x_ct[i] += total_ct * (0.5 / t1)
        else:
            # total = total * np.exp(x[i])
            total = stack.pop()
            t2_ct = total_ct * total
            total_ct = total_ct * t2
            x_ct[i] += t2_ct * t2
    return x_ct, 0.0
