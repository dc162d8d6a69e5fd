"""What `guard doctor` looks at and tries out: how a clone is wired, and whether what guards it holds."""
