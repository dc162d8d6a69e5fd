"""What `make faults SEED=... ROUNDS=...` chooses."""

import os

SEED = int(os.environ.get("FAULTS_SEED") or 0)
ROUNDS = int(os.environ.get("FAULTS_ROUNDS") or 0)
"""So many histories in a long run; 0 in an ordinary one."""
