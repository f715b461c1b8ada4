# Made by scripts/generate from the table of commands; edit fs/cli.
# shellcheck shell=bash
# bash completion of writ

_writ_run_command() {
	# What follows `writ run OPTIONS` is completed as a command line of its own.
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif [ "$1" -eq "$COMP_CWORD" ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$2")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
	fi
}

_writ() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local opts words i
	COMPREPLY=()
	# "=" is a word of its own: --job=NAME is three of them.
	[ "$cur" = = ] && cur=''
	[ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'run status diff log apply discard jobs explain policy mount umount doctor help --help --version' -- "$cur")
		return
	fi
	case ${COMP_WORDS[1]} in
	run)
		opts='-n --no-grants --allow --redirect --refuse --hide -p --policy --root -j --job -q --quiet -h --help'
		words=''
		;;
	status)
		opts='-j --job --exit-code --json -h --help'
		words=''
		;;
	diff)
		opts='-j --job --exit-code --json -h --help'
		words=''
		;;
	log)
		opts='-j --job --exit-code --json -h --help'
		words=''
		;;
	apply)
		opts='-j --job --json -h --help'
		words=''
		;;
	discard)
		opts='-j --job --json -h --help'
		words=''
		;;
	jobs)
		opts='--now --json -h --help'
		words='prune'
		;;
	explain)
		opts='-n --no-grants --allow --redirect --refuse --hide -p --policy --root --json -h --help'
		words=''
		;;
	policy)
		opts='-n --no-grants --allow --redirect --refuse --hide -p --policy --root --json -h --help'
		words='show check'
		;;
	mount)
		opts='-f --foreground -o --options --root --json -h --help'
		words=''
		;;
	umount)
		opts='-l --lazy -h --help'
		words=''
		;;
	doctor)
		opts='--json -h --help'
		words=''
		;;
	help)
		opts='--json -h --help'
		words='run status diff log apply discard jobs explain policy mount umount doctor help policy redirect limits exit-codes json'
		;;
	*)
		return
		;;
	esac
	if [ "${COMP_WORDS[1]}" = run ]; then
		i=2
		while [ "$i" -lt "$COMP_CWORD" ]; do
			case ${COMP_WORDS[i]} in
			--)
				_writ_run_command $((i + 1)) "$cur"
				return
				;;
			--allow|--redirect|--refuse|--hide|-p|--policy|--root|-j|--job)
				i=$((i + 1))
				[ "${COMP_WORDS[i]}" = = ] && i=$((i + 1))
				;;
			-*) ;;
			*)
				_writ_run_command "$i" "$cur"
				return
				;;
			esac
			i=$((i + 1))
		done
		if [ "$i" -eq "$COMP_CWORD" ] && [[ $cur != -* ]]; then
			_writ_run_command "$i" "$cur"
			return
		fi
	fi
	case $prev in
	-j|--job)
		local jobs=${XDG_STATE_HOME:-$HOME/.local/state}/writfs/jobs
		mapfile -t COMPREPLY < <(compgen -W "$(ls "$jobs" 2>/dev/null)" -- "$cur")
		return
		;;
	--root)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	-o|--options)
		return
		;;
	esac
	case $cur in
	-*) mapfile -t COMPREPLY < <(compgen -W "$opts" -- "$cur") ;;
	*)
		if [ -n "$words" ] && [ "$COMP_CWORD" -eq 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		else
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	esac
}

complete -F _writ writ
