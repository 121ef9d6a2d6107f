"""A stand-in for Kuaidi100's platform, for tests and the demo.

It knows the parcels that its control routes tell it of, answers queries about them, pushes
callbacks to those who asked for them, checks every signature, and fails on order. It was written
from the public documents alone and shares no code with the desk, so that a mistake is not made
twice.

A further part of the platform is one more module with `def routes(platform) -> list[web.RouteDef]`
made of `endpoint(...)` (endpoint.py) over the shared `platform.parcels` and `platform.pushes`, and
one more line in `server.py`.
"""
