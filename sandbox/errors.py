"""What can go wrong with a sandbox.

SandboxError
├── MissingRequirementError   the machine lacks something; nothing was downloaded or started
├── BuildError                a tool could not be built
├── AlreadyRunningError       the state directory belongs to another sandbox
├── NotRunningError           the state directory holds no living sandbox
├── ComponentError            a component ended or did not become ready
│   └── PortTakenError        somebody else listens on the chosen port: worth another attempt
└── CommandError              kubectl or helm failed
"""

from __future__ import annotations


class SandboxError(Exception):
    """Its text says what is wrong, where, and what to do."""


class MissingRequirementError(SandboxError):
    """The machine lacks something that the sandbox needs."""


class BuildError(SandboxError):
    """A tool of the sandbox could not be built."""


class AlreadyRunningError(SandboxError):
    """The state directory belongs to a sandbox that nobody has ended."""


class NotRunningError(SandboxError):
    """There is no running sandbox in the state directory."""


class ComponentError(SandboxError):
    """A component ended early or did not become ready in time."""


class PortTakenError(ComponentError):
    """Another process took the chosen port before the component could listen on it."""


class CommandError(SandboxError):
    """kubectl or helm ended with an exit code other than 0."""
