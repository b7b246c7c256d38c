"""How many random cases these tests draw; a slow machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "names", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("names")
