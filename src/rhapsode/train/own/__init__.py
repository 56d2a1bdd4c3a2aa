"""Train your own: folders of sounds and curves in, an engine that plays the user's own channels out."""
