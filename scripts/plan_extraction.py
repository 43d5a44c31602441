"""Checkpoint plan_extraction: split the patients and plan what is extracted of each."""

from ct_importance.cohort.jobs import PlanJob
from ct_importance.cohort.plan.writing import PlanInputs, PlanOutputs, write_plan
from ct_importance.workflow.running import running

with running(snakemake, PlanJob) as job:
    given, made = snakemake.input, snakemake.output
    chest = given.chest[0] if given.get("chest") else None
    write_plan(
        job,
        PlanInputs(given.index, given.labels, given.same_person, chest),
        PlanOutputs(made.split, made.planned, made.plans, made.rejected),
    )
