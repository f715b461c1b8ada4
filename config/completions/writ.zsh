#compdef writ
# Made by scripts/generate from the table of commands; edit fs/cli.

_writ_jobs() {
	local -a jobs
	jobs=("${XDG_STATE_HOME:-$HOME/.local/state}/writfs/jobs"/*(N:t))
	_describe job jobs
}

_writ() {
	local curcontext=$curcontext state line
	if (( CURRENT == 2 )); then
		local -a commands
		commands=(
			'run:run a program; writes that no grant names are redirected'
			'status:what a job changed: redirected, real, refused'
			'diff:the redirected changes line by line'
			'log:who changed what, when, and by which rule'
			'apply:make redirected changes real'
			'discard:drop redirected changes'
			'jobs:list jobs; remove old ones'
			'explain:which rule decides about a path, and where it stands'
			'policy:show the effective policy, check policy files'
			'mount:cover a directory for all programs; without arguments list mounts'
			'umount:end a mount of writ mount'
			'doctor:what writ needs of this machine, and the cure'
			'help:teach a command or a topic'
		)
		_describe command commands
		return
	fi
	local command=$words[2]
	shift words
	(( CURRENT-- ))
	case $command in
	run)
		_arguments -s -S \
			'(-n --no-grants)'{-n,--no-grants}'[grant nothing but what --allow names here\: no workspace, no grants from files]' \
			'*--allow=[grant\: written for real]:GLOB:_files' \
			'*--redirect=[redirect, also within a grant]:GLOB:_files' \
			'*--refuse=[refuse\: the program gets "Permission denied"]:GLOB:_files' \
			'*--hide=[hide\: it cannot be read either]:GLOB:_files' \
			'*'{-p+,--policy=}'[read this policy file too (see writ-policy(5))]:FILE:_files' \
			'*--root=[cover this directory too, beside $HOME]:DIR:_files -/' \
			'(-j --job)'{-j+,--job=}'[go on with this job\: its scratch is what the program sees]:JOB:_writ_jobs' \
			'(-q --quiet)'{-q,--quiet}'[say nothing; the journal says it all]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'(-):command:_command_names -e' '*::arguments:_normal'
		;;
	status)
		_arguments -s \
			'(-j --job)'{-j+,--job=}'[the job to look at (default\: see writ help jobs)]:JOB:_writ_jobs' \
			'--exit-code[exit 1 if there are redirected changes, 4 if dangerous ones are among the changes]' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	diff)
		_arguments -s \
			'(-j --job)'{-j+,--job=}'[the job to look at (default\: see writ help jobs)]:JOB:_writ_jobs' \
			'--exit-code[exit 1 if there are redirected changes, 4 if dangerous ones are among the changes]' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	log)
		_arguments -s \
			'(-j --job)'{-j+,--job=}'[the job to look at (default\: see writ help jobs)]:JOB:_writ_jobs' \
			'--exit-code[exit 1 if there are redirected changes, 4 if dangerous ones are among the changes]' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	apply)
		_arguments -s \
			'(-j --job)'{-j+,--job=}'[the job (needed where there are several to choose from)]:JOB:_writ_jobs' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	discard)
		_arguments -s \
			'(-j --job)'{-j+,--job=}'[the job (needed where there are several to choose from)]:JOB:_writ_jobs' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	jobs)
		_arguments -s \
			'--now[prune\: whatever its age, remove each job that has nothing left to decide]' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'1:word:(prune)' '*:file:_files'
		;;
	explain)
		_arguments -s \
			'(-n --no-grants)'{-n,--no-grants}'[grant nothing but what --allow names here\: no workspace, no grants from files]' \
			'*--allow=[grant\: written for real]:GLOB:_files' \
			'*--redirect=[redirect, also within a grant]:GLOB:_files' \
			'*--refuse=[refuse\: the program gets "Permission denied"]:GLOB:_files' \
			'*--hide=[hide\: it cannot be read either]:GLOB:_files' \
			'*'{-p+,--policy=}'[read this policy file too (see writ-policy(5))]:FILE:_files' \
			'*--root=[cover this directory too, beside $HOME]:DIR:_files -/' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	policy)
		_arguments -s \
			'(-n --no-grants)'{-n,--no-grants}'[grant nothing but what --allow names here\: no workspace, no grants from files]' \
			'*--allow=[grant\: written for real]:GLOB:_files' \
			'*--redirect=[redirect, also within a grant]:GLOB:_files' \
			'*--refuse=[refuse\: the program gets "Permission denied"]:GLOB:_files' \
			'*--hide=[hide\: it cannot be read either]:GLOB:_files' \
			'*'{-p+,--policy=}'[read this policy file too (see writ-policy(5))]:FILE:_files' \
			'*--root=[cover this directory too, beside $HOME]:DIR:_files -/' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'1:word:(show check)' '*:file:_files'
		;;
	mount)
		_arguments -s \
			'(-f --foreground)'{-f,--foreground}'[stay until it is unmounted instead of going to the background]' \
			'*'{-o+,--options=}'[mount options, separated by commas\: fsname=NAME, allow_other, default_permissions, rw, ro, noatime, nodev, dev, nosuid, suid, ...]:OPTS: ' \
			'--root=[show this directory at DIR; left out, DIR covers itself]:DIR:_files -/' \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	umount)
		_arguments -s \
			'(-l --lazy)'{-l,--lazy}'[take it out of sight now, end it when nobody uses it any more]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	doctor)
		_arguments -s \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'*:file:_files'
		;;
	help)
		_arguments -s \
			'--json[print one JSON document instead of text]' \
			'(-h --help)'{-h,--help}'[print help]' \
			'1:command or topic:(run status diff log apply discard jobs explain policy mount umount doctor help policy redirect limits exit-codes json)'
		;;
	esac
}

_writ "$@"
