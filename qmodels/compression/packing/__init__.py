"""From latents to packed bits and back, exactly."""
