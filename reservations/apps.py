from core import registry


class ReservationsConfig(registry.AppRegistration):
    name = "reservations"
    sweeps = (
        # what has come is settled before what never came is given up
        registry.Sweep(
            "reservations.settle_committed",
            "reservations.services.reservations.settle_committed",
            every_seconds=10,
            next_due="core.sweeps.never",
        ),
        registry.Sweep(
            "reservations.expire_due_reservations",
            "reservations.services.spendable.expire_due_reservations",
            every_seconds=10,
            next_due="reservations.services.spendable.next_expiry_at",
        ),
        registry.Sweep(
            "reservations.lapse_due_reservations",
            "reservations.services.spendable.lapse_due_reservations",
            every_seconds=10,
            after=("reservations.settle_committed",),
            next_due="reservations.services.spendable.next_lapse_at",
        ),
        registry.Sweep(
            "reservations.forget_old_reservations",
            "reservations.services.spendable.forget_old_reservations",
            every_seconds=60,
            next_due="core.sweeps.never",
        ),
    )
