"""Training: the CycleGAN system, the loop, checkpoints."""
