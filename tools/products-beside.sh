# Sourced by sh: products.sh beside what the caller does meanwhile.

# Nothing that is built in the background outlives the caller.
start_products() {
  trap 'end_products' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  set -m # a process group, so that compilers end with their script
  tools/products.sh </dev/null &
  products=$!
  set +m
}

end_products() {
  [ -z "${products-}" ] || { kill -TERM -- "-$products" && wait "$products"; } 2>/dev/null || true
}

wait_for_products() {
  [ -n "${products-}" ] || return 0
  wait "$products"
  products=
}
