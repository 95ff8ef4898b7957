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
  {
    name: 'sshd with /run/sshd on a tmpfs: commands, a terminal, a copy',
    options: ['--tmpfs', '/run/sshd:mode=755'],
    script: `
      ssh-keygen -qA; /usr/sbin/sshd; useradd -ms /bin/bash u; ssh-keygen -qt ed25519 -N '' -f /root/key
      install -D -o u -m 600 /root/key.pub /home/u/.ssh/authorized_keys; chown u /home/u/.ssh
      options='-o StrictHostKeyChecking=no -o LogLevel=ERROR -i /root/key'
      ssh $options u@localhost id -un; ssh -tt $options u@localhost tty; ssh $options u@localhost exit 7; echo $?
      head -c 3000000 /dev/urandom >f; scp -q $options f u@localhost:g && cmp f /home/u/g && stat -c %U /home/u/g`,
    output: 'u\n/dev/pts/0\r\n7\nu\n',
  },
  {
    name: '20,000 threads',
    options: ['--pids-limit', '-1'],
    script: `
      printf '%s\n' 'import threading' 'threading.stack_size(65536)' 'gate = threading.Event()' \\
        'all = [threading.Thread(target=gate.wait) for _ in range(20000)]' 'for thread in all: thread.start()' 'print(threading.active_count())' \\
        'gate.set()' 'for thread in all: thread.join()' 'print(threading.active_count())' | python3 -`,
    output: '20001\n1\n',
  },
  {
    name: 'apt-get install from a repository in a directory',
    script: `
      mkdir /srv/repository && cd /srv/repository
      for i in $(seq 20); do
        mkdir -p p/DEBIAN p/usr/share/p$i && echo $i >p/usr/share/p$i/file
        printf 'Package: p%s\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n' $i >p/DEBIAN/control
        [ $i = 1 ] || echo "Depends: p$((i - 1))" >>p/DEBIAN/control
        dpkg-deb -b p p$i.deb >/dev/null; rm -r p
      done
      apt-ftparchive packages . >Packages; echo 'deb [trusted=yes] file:///srv/repository ./' >/etc/apt/sources.list; rm -rf /etc/apt/sources.list.d
      apt-get -qq update && apt-get -qqy install p20 >/dev/null && cat /usr/share/p*/file | sort -n | tail -n 1
      apt-get -qqy purge p1 >/dev/null; ls -d /usr/share/p[0-9]* 2>/dev/null | wc -l; stat -c %U /var/lib/apt/lists/partial`,
    output: '20\n0\n_apt\n',
  },
  {
    name: 'dnf install, upgrade, remove and undo into a directory, with scriptlets and a capability',
    script: `
      mkdir -p /srv/rpm/repository && cd /srv/rpm
      { printf '%s\\n' 'Name: p' 'Version: %{v}' 'Release: 1' 'Summary: x' 'License: x' '%description' \\
          '%package shell' 'Summary: x' 'AutoReqProv: no' 'Provides: /bin/sh' '%description shell' '%install' 'cd %{buildroot}' \\
          'install -D /bin/busybox bin/sh; install -D /bin/busybox usr/bin/capable; mkdir etc; echo %{v} >etc/p.conf' \\
          'for i in $(seq 20); do mkdir -p usr/share/p$i; for j in $(seq 10); do echo %{v} >usr/share/p$i/$j; done; done' \\
          '%files shell' /bin/sh '%attr(4711, root, root) %caps(cap_net_bind_service=ep) /usr/bin/capable' '%config(noreplace) /etc/p.conf'
        for i in $(seq 20); do
          printf '%s\\n' "%package $i" 'Summary: x' "Requires: p-$([ $i = 1 ] && echo shell || echo $((i - 1))) = %{version}" \\
            "%description $i" "%files $i" /usr/share/p$i "%post $i" "echo installed \\$1 >>/etc/log" "%preun $i" "echo removed \\$1 >>/etc/log"
        done; } >p.spec
      publish() {
        rpmbuild -bb --quiet -D "v $1" -D '_build_id_links none' -D 'debug_package %{nil}' -D '__os_install_post %{nil}' -D "_rpmdir $PWD/repository" p.spec
        createrepo_c -q repository
      }
      packages() { dnf -qy --installroot=/srv/r --releasever=9 --noplugins --repofrompath=own,/srv/rpm/repository --repo=own --nogpgcheck "$@"; }
      installed() { rpm --root /srv/r -qa --qf '%{version}\\n' | uniq -c; rpm --root /srv/r -Va; }
      publish 1 && packages install p-20 >/dev/null; installed; getcap /srv/r/usr/bin/*; stat -c %a /srv/r/usr/bin/capable
      echo own >>/srv/r/etc/p.conf; touch -d 2001-01-01 /srv/r/etc/p.conf
      publish 2 && packages upgrade --refresh >/dev/null; installed; cat /srv/r/etc/p.conf /srv/r/etc/p.conf.rpmnew
      packages remove p-1 >/dev/null; installed; sort /srv/r/etc/log | uniq -c; ls /srv/r/usr/share
      packages history undo last >/dev/null; installed; packages history | tail -n +3 | cut -d '|' -f 1,4 | tr -d ' '`,
    output: `     21 1
/srv/r/usr/bin/capable cap_net_bind_service=ep
4711
     21 2
S.5....T.  c /etc/p.conf
1
own
2
     20 installed 1
     20 installed 2
     20 removed 0
     20 removed 1
     21 2
4|Install
3|Removed
2|Upgrade
1|Install
`,
  },
  {
    name: 'pip install into a virtual environment',
    script: `
      mkdir -p /srv/q/q && cd /srv/q && echo 'VALUE = 42' >q/__init__.py && for i in $(seq 30); do echo "X = $i" >q/m$i.py; done
      printf '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "q"\nversion = "1"\n' >pyproject.toml
      python3 -m venv --system-site-packages /root/e && /root/e/bin/pip -q install --no-index --no-build-isolation /srv/q 2>&1
      cd / && /root/e/bin/python -c 'import q, q.m30; print(q.VALUE, q.m30.X)'; /root/e/bin/pip -q uninstall -y q; [ -e /root/e/lib/python3.11/site-packages/q ] || echo removed`,
    output: '42 30\nremoved\n',
  },
  {
    name: 'npm install of packages in directories, with an install script',
    script: `
      cd /srv && for i in $(seq 5); do mkdir d$i && echo "module.exports = $i" >d$i/index.js; printf '{"name":"d%s","version":"1.0.0"}' $i >d$i/package.json; (cd d$i && npm pack -s >/dev/null); done
      mkdir app && cd app && echo '{"name":"app","version":"1.0.0","scripts":{"postinstall":"echo $npm_package_name >made"}}' >package.json
      npm install -s --no-audit --no-fund --offline ../d*/*.tgz && node -e 'let s = 0; for (let i = 1; i <= 5; i++) s += require("d" + i); console.log(s)'
      rm -r node_modules && npm ci -s --no-audit --no-fund --offline && ls node_modules | wc -l && cat made`,
    output: '15\n5\napp\n',
  },
];
