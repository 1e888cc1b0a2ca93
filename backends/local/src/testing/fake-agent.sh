# Stands for an agent: notes its pid and its environment, and lives until it is told to end, but not for ever.
# Called as: fake-agent.sh --dir DIR --socket SOCKET --instance ID --host-info FILE
dir=$2
env > "$dir/environment"
if [ -n "$FAKE_STUBBORN" ]; then trap '' TERM; fi
if [ -n "$FAKE_JOB" ]; then
  # As a job that outlives its agent: a session of its own, with a variable of a job (FAKE_JOB=NAME=VALUE).
  mkdir -p "$dir/jobs/one"
  env -i "$FAKE_JOB" setsid \
    sh -c 'trap "" TERM; env -i sleep 40 & echo $! > bare-pid; echo $$ > job-pid; wait' &
fi
echo $$ >> "$dir/pids"
i=0
while [ $i -lt 200 ]; do
  sleep 0.2
  i=$((i + 1))
done
