"""Steps and patches of a run, counted before it starts."""

from dataclasses import replace

from mtl.training.run_plan import RunPlan


def test_a_run_plan_counts_steps():
    plan = RunPlan(
        maps=2, validation_maps=1, patches=7, patches_per_epoch=21, batch_size=8, accumulate_batches=2, epochs=10
    )
    assert plan.steps_per_epoch == 2  # 3 batches, two of them a step
    assert "20 steps, 210 patches in all" in str(plan)
    plan = replace(plan, processes=2)
    assert (
        plan.steps_per_epoch == 1
        and "21 patches an epoch in 1 steps of 32;" in str(plan)
        and str(plan).endswith("2 processes")
    )
