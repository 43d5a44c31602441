#!/bin/sh
# Install SLURM, which make test-slurm starts a cluster of, from Debian's packages.
set -eu
for command in munged slurmctld slurmd sbatch; do
    command -v "$command" >/dev/null || missing=yes
done
if [ "$(id -u)" != 0 ]; then
    echo "make test-slurm starts SLURM's daemons: run it as root" >&2
    exit 1
fi
if [ -n "${missing:-}" ]; then
    packages="slurmctld slurmd slurm-client munge"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages >/dev/null || {
        apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages >/dev/null
    } || { echo "make test-slurm needs the packages $packages: install them first" >&2; exit 1; }
fi
