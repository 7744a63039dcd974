"""The predictive distribution of monthly counts, by scipy's numerical integration over the rate.

A Poisson count under the Jeffreys prior (Gelman et al., Bayesian Data Analysis, 3rd ed., 2.6).
"""

from scipy import integrate, stats


def gamma_poisson(count: int, ahead: int, counts: list[float]) -> float:
    """P(the sum of the months ahead = count), integrated over the rate's posterior, Gamma(S + 1/2, n)."""
    rate = stats.gamma(sum(counts) + 0.5, scale=1 / len(counts))
    return integrate.quad(lambda x: stats.poisson.pmf(count, ahead * x) * rate.pdf(x), 0, 30, points=[9], limit=200)[0]
