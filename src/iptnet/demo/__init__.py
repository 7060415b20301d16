"""A small video made on the spot, so that a newcomer sees the whole way without owning one."""

from iptnet.demo.film import DemoVideo, Scene, make_demo_video

__all__ = ["DemoVideo", "Scene", "make_demo_video"]
