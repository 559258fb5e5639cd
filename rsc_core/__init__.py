"""Training core and research app for lung-sound models."""
