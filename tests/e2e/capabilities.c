/* Gives a file a capability, as setcap(8) does. */
#include <linux/capability.h>
#include <stdio.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
  struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2, .data = {{.permitted = 1 << CAP_NET_RAW}}};
  if (argc == 2 && setxattr(argv[1], "security.capability", &data, XATTR_CAPS_SZ_2, 0) == 0) return 0;
  perror("setxattr");
  return 1;
}
