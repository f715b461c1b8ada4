#!/bin/bash
# SPDX-License-Identifier: MIT
# The screens of a whole job, word for word: status, diff, log, jobs, apply, discard.
. "$(dirname "$0")/../lib.sh"
need_sandbox

# screen COMMAND... <<EOT: what it shows, with the times made equal.
screen() {
	local status=$1
	shift
	expect_status "$status" "$WRIT" "$@"
	expect_quiet
	sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/DATE/' \
		-e 's/after (under a second|[0-9]+ s), (just now|[0-9]+ seconds? ago)/after TIME/' \
		"$OUT" >"$T/screen"
	diff -u - "$T/screen" || fail "writ $* shows something else"
}

cat >install.sh <<'SH'
echo 'export PATH=$HOME/.tool:$PATH' >>.bashrc
mkdir .tool
for i in 1 2 3 4; do echo $i >.tool/$i; done
mv notes old-notes
chmod 600 mode
rm -r gone
mkdir .one && echo 1 >.one/1
ln -s /etc/passwd link
echo more >granted/file
echo no >refused || true
SH
echo 'alias l=ls' >.bashrc
echo text >notes
mkdir gone granted
echo x | tee gone/a gone/b >mode
chmod 644 mode

run -n --allow '~/granted' --refuse '~/refused' -- sh ./install.sh 2>/dev/null

screen 0 status <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
14 redirected, 2 dangerous · 1 real · 1 refused

redirected:
  !  ~/.bashrc                  +1 line                install.sh          runs at every login
  !  ~/link                     added, -> /etc/passwd  ln ← install.sh     link that leads out of the root
     ~/.one/                    1 file                 mkdir ← install.sh
     ~/.tool/                   4 files                mkdir ← install.sh
     ~/gone                     deleted, 2 files       rm ← install.sh
     ~/mode                     mode 0644 -> 0600      chmod ← install.sh
     ~/old-notes (was ~/notes)  renamed                mv ← install.sh

real, not undoable:
     ~/granted/file  REAL  added, 5 B  install.sh

refused:
     ~/refused  install.sh  refused by ~/refused

look: writ diff    keep all but "!": writ apply    drop: writ discard
EOT
screen 0 status '~/.tool' '**/gone' <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
14 redirected, 2 dangerous · 1 real · 1 refused

redirected:
     ~/.tool    added, directory  mkdir ← install.sh
     ~/.tool/1  added, +1 line    install.sh
     ~/.tool/2  added, +1 line    install.sh
     ~/.tool/3  added, +1 line    install.sh
     ~/.tool/4  added, +1 line    install.sh
     ~/gone     deleted, 2 files  rm ← install.sh

look: writ diff    keep all but "!": writ apply    drop: writ discard
EOT
screen 0 diff <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh

modified ~/.bashrc
  ! runs at every login
@@ -1 +1,2 @@
 alias l=ls
+export PATH=$HOME/.tool:$PATH

added ~/link
  ! link that leads out of the root
+/etc/passwd

added ~/.one

added ~/.one/1
@@ -0,0 +1 @@
+1

added ~/.tool

added ~/.tool/1
@@ -0,0 +1 @@
+1

added ~/.tool/2
@@ -0,0 +1 @@
+2

added ~/.tool/3
@@ -0,0 +1 @@
+3

added ~/.tool/4
@@ -0,0 +1 @@
+4

deleted ~/gone
  directory, 2 files

mode ~/mode
  mode 0644 -> 0600

renamed ~/old-notes (was ~/notes)

1 real change: no base is kept to compare with; writ log says who wrote
EOT
screen 0 log '~/.tool/1' '~/refused' notes <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
DATE  create    redirected  ~/.tool/1                                 install.sh        no rule
DATE  write     redirected  ~/.tool/1                                 install.sh        no rule
DATE  rename    redirected  ~/notes → ~/old-notes                     mv ← install.sh   no rule
DATE  create    refused     ~/refused                                 install.sh        ~/refused (command line) failed: Permission denied
EOT
screen 0 jobs <<'EOT'
sh-1  ended (0)  DATE  to decide  ~  sh ./install.sh
EOT
screen 1 apply <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
10 applied, 2 left
  left     modified  ~/.bashrc    runs at every login; name the path to apply it
  left     added     ~/link       link that leads out of the root; name the path to apply it
  applied  added     ~/.one
  applied  added     ~/.one/1
  applied  added     ~/.tool
  applied  added     ~/.tool/1
  applied  added     ~/.tool/2
  applied  added     ~/.tool/3
  applied  added     ~/.tool/4
  applied  deleted   ~/gone
  applied  mode      ~/mode
  applied  renamed   ~/old-notes
EOT
screen 0 discard '~/link' <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
1 discarded
  discarded  added  ~/link
EOT
screen 0 apply '~/.bashrc' <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
1 applied
  applied  modified  ~/.bashrc
EOT
screen 0 status <<'EOT'
sh-1 · ended (0) after TIME · in ~ · sh ./install.sh
1 real · 1 refused

real, not undoable:
     ~/granted/file  REAL  added, 5 B  install.sh

refused:
     ~/refused  install.sh  refused by ~/refused
EOT
screen 0 jobs prune --now <<'EOT'
removed sh-1
EOT
screen 0 jobs <<'EOT'
no jobs
EOT
