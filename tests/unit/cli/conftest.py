"""How many random cases these tests draw; a slow machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "cli", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cli")
