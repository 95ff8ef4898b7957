
# pjdfstest-misc.sh, appended to misc.sh: the same functions for bash, without other programs.
enable -f "$maindir/builtin.so" pjdfstest || { echo 'not ok - no builtin'; exit 1; }
in_subshell() (pjdfstest "$@")
fstest=in_subshell

expect() {
  local wanted=$1 result
  shift
  # shellcheck disable=SC2048,SC2086 -- as in misc.sh
  result=$(pjdfstest $* 2>/dev/null)
  result=${result##*$'\n'}
  if [[ $result =~ ^$wanted$ ]]; then
    echo "ok $ntest${todomsg:+ # TODO $todomsg}"
  elif [ -n "$todomsg" ]; then
    echo "not ok $ntest # TODO $todomsg"
  else
    echo "not ok $ntest - tried '$*', expected $wanted, got $result"
  fi
  todomsg=
  : $((ntest += 1))
}

# Each read of the file gives a new UUID (random(4)).
namegen() {
  local id
  read -r id </proc/sys/kernel/random/uuid
  echo "pjdfstest_$id"
}

namegen_len() {
  local name='' id
  while [ ${#name} -lt "$1" ]; do
    read -r id </proc/sys/kernel/random/uuid
    name+=$id
  done
  printf %s "${name:0:$1}"
}
