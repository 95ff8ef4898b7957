# Sourced by sh: runs products.sh in the background.

# The background build ends with the caller.
start_products() {
  trap 'end_products' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # A new process group, so that compilers end with their script.
  setsid tools/products.sh </dev/null &
  products=$!
}

end_products() {
  [ -z "${products-}" ] || { kill -s TERM -- "-$products" && wait "$products"; } 2>/dev/null || true
}

wait_for_products() {
  [ -n "${products-}" ] || return 0
  wait "$products"
  products=
}
