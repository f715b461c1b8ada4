/* SPDX-License-Identifier: MIT */
/* Danger labels: the table of the program, and what a table must look like. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <writfs/labels.h>

#define HOME "/home/u"

static struct labels *table(const char *search_path)
{
	struct labels *l = NULL;
	struct err e = {0};
	if (labels_load(search_path, &l, &e) < 0)
		fail_msg("%s", e.text);
	return l;
}

static const struct {
	const char *path;
	const char *id; /* NULL: no label */
} places[] = {
	{HOME "/.bashrc", "shell"},
	{HOME "/.config/fish/config.fish", "shell"},
	{HOME "/.pam_environment", "shell-environment"},
	{HOME "/.config/autostart/x.desktop", "autostart"},
	{HOME "/.config/systemd/user/x.service", "services"},
	{HOME "/.local/share/applications/x.desktop", "desktop"},
	{HOME "/.ssh/authorized_keys", "ssh"},
	{HOME "/.gnupg/pubring.kbx", "keys"},
	{HOME "/.npmrc", "credentials"},
	{HOME "/.cargo/credentials.toml", "credentials"},
	{HOME "/.gitconfig", "git-user"},
	{HOME "/.config/git/ignore", NULL},
	{HOME "/.claude.json", "login-claude"},
	{HOME "/.claude/.credentials.json", "login-claude"},
	{HOME "/.claude/settings.json", "agent-claude"},
	{HOME "/.claude/settings.local.json", "agent-claude"},
	{HOME "/.claude/projects/x.jsonl", NULL},
	{HOME "/.codex/auth.json", "login-codex"},
	{HOME "/.codex/config.toml", "agent-codex"},
	{HOME "/.codex/sessions/x", NULL},
	{HOME "/.gemini/oauth_creds.json", "login-agents"},
	{HOME "/.config/goose/secrets.yaml", "login-agents"},
	{HOME "/.config/goose/config.yaml", "agent-others"},
	{HOME "/.local/lib/python3.11/site-packages/x.pth", "python-start"},
	{HOME "/.local/lib/python3.11/site-packages/pkg/x.py", "path-dirs"},
	{HOME "/.local/bin/tool", "path-dirs"},
	{HOME "/.local/share/pnpm/node", "path-dirs"},
	{HOME "/.local/share/pnpm/store/v3/x", NULL},
	{HOME "/go/bin/x", "path-dirs"},
	{HOME "/go/pkg/x", NULL},
	{HOME "/.vimrc", "editors"},
	{HOME "/.tmux.conf", "terminals"},
	{HOME "/.config/direnv/direnvrc", "environment-managers"},
	{HOME "/.mozilla/firefox/x", "browsers"},
	{HOME "/.m2/settings.xml", "build-tools"},
	{HOME "/.m2/repository/x", NULL},
	{HOME "/src/p/.git/hooks/pre-commit", "git-hooks"},
	{HOME "/src/p/.git/hooks/pre-commit.sample", NULL},
	{HOME "/src/p/.git/hooks", NULL},
	{HOME "/src/p.git/hooks/update", "git-hooks"},
	{HOME "/src/p/.git/modules/a/b/hooks/x", "git-hooks"},
	{HOME "/src/p/.git/config", "git-config"},
	{HOME "/src/p/.claude/settings.json", "agent-project"},
	{HOME "/src/p/node_modules/q/.claude/settings.json", NULL},
	{HOME "/src/p/.vscode/tasks.json", "editor-project"},
	{HOME "/src/p/.envrc", "environment-project"},
	{"/srv/p/.git/hooks/pre-commit", "git-hooks"},
	{"/srv/.bashrc", NULL},
	{"/etc/passwd", NULL},
	{HOME, NULL},
	{HOME "/plain", NULL},
};

static void places_have_their_labels(void **state)
{
	(void)state;
	struct labels *l = table(NULL);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		const struct label *label =
			labels_match(l, places[i].path, HOME, S_IFREG | 0644, true);
		const char *id = label ? label->id : NULL;
		if (!id != !places[i].id || (id && strcmp(id, places[i].id) != 0))
			fail_msg("%s: %s", places[i].path, id ? id : "none");
	}
	labels_free(l);
}

static void words_of_the_summary(void **state)
{
	(void)state;
	struct labels *l = table(NULL);
	const struct label *label = labels_match(l, HOME "/.bashrc", HOME, 0, true);
	assert_string_equal(label->label, "runs at every login");
	assert_int_equal(label->class, LABEL_SHELL);
	assert_true(label->never_write);
	label = labels_match(l, HOME "/.codex/auth.json", HOME, 0, false);
	assert_string_equal(label->label, "discarding logs you out");
	assert_string_equal(label_class_name(label->class), "login");
	assert_false(label->never_write);
	for (size_t i = 0; i < labels_count(l); i++) {
		label = labels_get(l, i);
		assert_in_range(strlen(label->label), 1, 40);
		assert_in_range(strlen(label->reason), 1, 120);
		assert_non_null(label_class_name(label->class));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(label->id, labels_get(l, k)->id);
	}
	labels_free(l);
}

static void a_new_repository_is_not_dangerous(void **state)
{
	(void)state;
	struct labels *l = table(NULL);
	assert_null(labels_match(l, HOME "/new/.git/config", HOME, S_IFREG | 0644, false));
	assert_non_null(labels_match(l, HOME "/new/.git/hooks/x", HOME, S_IFREG | 0755, false));
	labels_free(l);
}

static void set_id_programs_anywhere(void **state)
{
	(void)state;
	struct labels *l = table(NULL);
	assert_string_equal(labels_match(l, "/x", HOME, S_IFREG | 04755, true)->id, "set-id");
	assert_string_equal(labels_match(l, "/x", HOME, S_IFREG | 02755, true)->id, "set-id");
	assert_string_equal(
		labels_match(l, HOME "/.bashrc", HOME, S_IFREG | 04700, true)->id, "set-id");
	assert_null(labels_match(l, "/x", HOME, S_IFREG | 0755, true));
	assert_null(labels_match(l, "/x", HOME, S_IFREG | 02644, true)); /* mandatory locking */
	assert_null(labels_match(l, "/x", HOME, S_IFDIR | 02755, true));
	labels_free(l);
}

static void directories_of_the_path(void **state)
{
	(void)state;
	struct labels *l = table(HOME "/tools/:relative:/:" HOME "/p/node_modules/.bin::/usr/bin");
	static const struct {
		const char *path;
		bool on;
	} rows[] = {{HOME "/tools/x", true}, {HOME "/tools", true}, {HOME "/tools/sub/x", false},
		{HOME "/toolsx", false}, {HOME "/p/node_modules/.bin/x", true},
		{"/usr/bin/x", true}, {HOME "/relative/x", false}, {"/x", false}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct label *label = labels_match(l, rows[i].path, HOME, S_IFREG, false);
		if (!label != !rows[i].on)
			fail_msg("%s", rows[i].path);
		if (label)
			assert_string_equal(label->label, "on $PATH");
	}
	labels_free(l);
}

static void what_is_never_granted(void **state)
{
	(void)state;
	struct labels *l = table(NULL);
	assert_non_null(labels_never_write(l, HOME "/.ssh/x", HOME));
	assert_null(labels_never_write(l, HOME "/.claude.json", HOME));
	assert_null(labels_never_write(l, HOME "/src", HOME));
	assert_true(labels_holds_never_write(l, "/", HOME));
	assert_true(labels_holds_never_write(l, "/home", HOME));
	assert_true(labels_holds_never_write(l, HOME, HOME));
	assert_true(labels_holds_never_write(l, HOME "/.config", HOME));
	assert_true(labels_holds_never_write(l, HOME "/.local/share", HOME));
	assert_false(labels_holds_never_write(l, HOME "/src", HOME));
	assert_false(labels_holds_never_write(l, "/srv", HOME));
	labels_free(l);
}

#define ROW                                                                                        \
	"\"id\": \"x\", \"class\": \"git\", \"neverWrite\": true, \"label\": \"l\", \"reason\": "  \
	"\"r\", \"source\": \"s\""

static void mistakes_in_a_table(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} rows[] = {
		{"[]", "t:1:1: labels are an object with \"rows\""},
		{"{\"v\": 1}", "t:1:1: \"rows\" is a list of at most 256 rows"},
		{"{\"v\": 2, \"rows\": []}", "t:1:7: \"v\" must be 1"},
		{"{\"v\": 1, \"rows\": [], \"row\": 1}",
			"t:1:22: unknown key \"row\" (did you mean \"rows\"?)"},
		{"{\"v\": 1, \"rows\": [1]}", "t:1:19: a row is an object"},
		{"{\"v\": 1, \"rows\": [{}]}", "t:1:19: a row needs \"id\", a text"},
		{"{\"v\": 1, \"rows\": [{" ROW "}]}", "t:1:19: a row has \"patterns\" or \"when\""},
		{"{\"v\": 1, \"rows\": [{" ROW ", \"when\": \"x\"}]}",
			"\"when\" is \"setid\" or \"searchPath\""},
		{"{\"v\": 1, \"rows\": [{" ROW ", \"patterns\": \"~/x\"}]}",
			"\"patterns\" is a list of at most 256 patterns"},
		{"{\"v\": 1, \"rows\": [{" ROW ", \"patterns\": [\"x\"]}]}",
			"a pattern here is a text that begins with ~/ or **/"},
		{"{\"v\": 1, \"rows\": [{" ROW ", \"patterns\": [\"~/{\"]}]}", "a { without its }"},
		{"{\"v\": 1, \"rows\": [{" ROW ", \"patterns\": [], \"existingOnly\": 1}]}",
			"\"existingOnly\" is true or false"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct labels *l = NULL;
		struct err e = {0};
		int r = labels_parse("t", rows[i].text, strlen(rows[i].text), NULL, &l, &e);
		if (r != -EINVAL || !strstr(e.text, rows[i].message))
			fail_msg("%s: %d %s", rows[i].text, r, e.text);
		assert_null(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_have_their_labels),
		cmocka_unit_test(words_of_the_summary),
		cmocka_unit_test(a_new_repository_is_not_dangerous),
		cmocka_unit_test(set_id_programs_anywhere),
		cmocka_unit_test(directories_of_the_path),
		cmocka_unit_test(what_is_never_granted),
		cmocka_unit_test(mistakes_in_a_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
