"""How many random cases these tests draw; a slow machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "objects", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("objects")
