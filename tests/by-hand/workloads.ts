/** Typical workloads, each with its output on runc. The image is made by workload-image.sh. */

export interface Workload {
  readonly name: string;
  /** Options of `docker run`. */
  readonly options?: readonly string[];
  /** For bash, as the container's first process. */
  readonly script: string;
  readonly output: string;
}

export const workloads: readonly Workload[] = [
  {
    name: 'PostgreSQL with a unix socket on the root',
    script: `
      service postgresql start >/dev/null
      query() { su postgres -c "psql -qAtc '$1'"; }
      query 'create table t (i int); insert into t select generate_series(1, 10000); checkpoint'
      service postgresql restart >/dev/null
      query 'select count(*), sum(i) from t'
      [ -S /run/postgresql/.s.PGSQL.5432 ] && su postgres -c '/usr/lib/postgresql/15/bin/pg_ctl -D /var/lib/postgresql/15/main -m fast stop' | tail -n 1`,
    output: '10000|50005000\nserver stopped\n',
  },
  {
    name: 'MariaDB with a unix socket on the root',
    script: `
      service mariadb start >/dev/null
      mariadb -e 'create database d; create table d.t (i int primary key auto_increment, s text) engine=innodb; insert into d.t (s) values ("x"), ("y")'
      service mariadb restart >/dev/null
      mariadb -N -e 'select s from d.t; select @@socket'
      service mariadb stop >/dev/null; echo $?`,
    output: 'x\ny\n/run/mysqld/mysqld.sock\n0\n',
  },
  {
    name: 'Redis with an append-only file, started again',
    script: `
      start() { redis-server --daemonize yes --dir /tmp --appendonly yes --unixsocket /tmp/redis.sock >/dev/null; }
      call() { redis-cli -s /tmp/redis.sock "$@"; }
      start; until call ping 2>/dev/null | grep -q PONG; do :; done
      call set a b; call save; call shutdown nosave; until ! pgrep redis-server >/dev/null; do :; done
      start; until call ping 2>/dev/null | grep -q PONG; do :; done
      call get a`,
    output: 'OK\nOK\nb\n',
  },
  {
    name: 'nginx as a user',
    options: ['-u', 'www-data'],
    script: `
      temporary=$(for kind in client_body proxy fastcgi uwsgi scgi; do echo "\${kind}_temp_path /tmp/$kind;"; done)
      echo "pid /tmp/pid; error_log /tmp/errors; events {} http { $temporary access_log /tmp/accesses; server { listen 8080; root /usr/share; } }" >/tmp/conf
      nginx -c /tmp/conf -e /tmp/errors && curl -s localhost:8080/common-licenses/GPL-3 | cmp - /usr/share/common-licenses/GPL-3 && id -u && wc -l </tmp/accesses`,
    output: '33\n1\n',
  },
  {
    name: 'a CI job: git over file://, gcc, make',
    script: `
      mkdir /root/source && cd /root/source && git init -q && git config user.email a@b && git config user.name n
      for i in $(seq 40); do echo "int f$i(void) { return $i; }" >f$i.c; done
      echo 'extern int f7(void); int main(void) { return f7() != 7; }' >main.c
      printf 'program: $(patsubst %%.c,%%.o,$(wildcard *.c))\\n\\tgcc -o $@ $^\\n' >Makefile
      git add -A && git commit -qm one && git clone -q file:///root/source /root/copy && cd /root/copy && make -s -j 4 && make -q && ./program && echo passed
      git gc -q && git fsck 2>&1 | grep -c error; git status --short | grep -vc '[.]o$'`,
    output: 'passed\n0\n1\n',
  },
  {
    name: 'a package whose program has a capability',
    script: `
      cd /tmp && mkdir -p p/DEBIAN p/usr/share/p p/usr/bin && cp /usr/bin/python3.11 p/usr/bin/p && for i in $(seq 200); do echo $i >p/usr/share/p/$i; done
      printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b>\\nDescription: x\\n' >p/DEBIAN/control
      printf '#!/bin/sh\\nsetcap cap_net_bind_service=ep /usr/bin/p\\n' >p/DEBIAN/postinst && chmod 755 p/DEBIAN/postinst
      dpkg-deb -b p p.deb >/dev/null && dpkg -i p.deb >/dev/null && ls /usr/share/p | wc -l && getcap /usr/bin/p
      setpriv --reuid 33 --regid 33 --clear-groups p -c 'print([line for line in open("/proc/self/status") if "CapEff" in line])'
      dpkg -r p >/dev/null; [ -e /usr/share/p ] || echo removed`,
    output: "200\n/usr/bin/p cap_net_bind_service=ep\n['CapEff:\\t0000000000000400\\n']\nremoved\n",
  },
  {
    name: 'ACLs, inherited, packed and unpacked',
    script: `
      mkdir /srv/d && cd /srv/d && setfacl -d -m u:33:rwx,g:34:r . && mkdir e && echo text >f && chmod o= f
      as() { setpriv --reuid $1 --regid $1 --clear-groups "\${@:2}"; }
      as 33 sh -c 'cat f; echo more >>f'; as 34 cat f; as 35 cat f 2>&1
      tar --acls -cf - e f | tar --acls -xf - -C /root && getfacl -cn /root/f && getfacl -cn /root/e | grep ^default:user`,
    output: `text
text
more
cat: f: Permission denied
user::rw-
user:33:rwx	#effective:rw-
group::r-x\t#effective:r--
group:34:r--
mask::rw-
other::---

default:user::rwx
default:user:33:rwx
`,
  },
  {
    name: 'a JVM with a limit of memory',
    options: ['-m', '512m'],
    script: `
      echo 'public class H { public static void main(String[] a) {
        long h = 0; for (int r = 0; r < 100; r++) for (int i = 0; i < 20000; i++) h = h * 31 + Integer.toString(i ^ r).hashCode();
        System.out.println(h + " " + (Runtime.getRuntime().maxMemory() >> 20)); } }' >/tmp/H.java
      java /tmp/H.java`,
    output: '-5193056761027448576 123\n',
  },
];
