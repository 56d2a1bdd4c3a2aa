"""Avatar and performance to pixels, on a CPU."""

from rhapsode.render.camera import CAMERAS, Camera, framing, measure
from rhapsode.render.picture import background, save_png
from rhapsode.render.renderer import Renderer, still

__all__ = ["CAMERAS", "Camera", "Renderer", "background", "framing", "measure", "save_png", "still"]
