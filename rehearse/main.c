#include "lib/base/cmd.h"
#include "migrate/cmd.h"
#include "rehearse/cmd.h"
#include "replay/cmd.h"
#include "restore/cmd.h"
#include "snapshot/cmd.h"

static const struct cmd *const commands[] = {
    &snapshot_cmd,
    &bundle_ls_cmd,
    &bundle_show_cmd,
    &bundle_verify_cmd,
    &bundle_diff_cmd,
    &bundle_tag_cmd,
    &bundle_pin_cmd,
    &bundle_unpin_cmd,
    &bundle_rm_cmd,
    &bundle_gc_cmd,
    &bundle_export_cmd,
    &bundle_import_cmd,
    &bundle_push_cmd,
    &bundle_pull_cmd,
    &restore_cmd,
    &box_ls_cmd,
    &box_show_cmd,
    &box_start_cmd,
    &box_stop_cmd,
    &box_reset_cmd,
    &box_verify_cmd,
    &box_exec_cmd,
    &box_destroy_cmd,
    &migrate_plan_cmd,
    &migrate_apply_cmd,
    &migrate_status_cmd,
    &record_cmd,
    &tape_show_cmd,
    &replay_cmd,
    &run_cmd,
    &report_cmd,
    &key_make_cmd,
    &key_show_cmd,
    &key_rotate_cmd,
    NULL,
};

int main(int argc, char **argv)
{
    return cmd_main(commands, "rehearse a release on a copy of production, before it goes live",
                    argc, argv);
}
