"""Forms of people."""

from django import forms
from django.contrib.auth.forms import UserCreationForm

from lyricsite.models import ApiToken, User


class SignUpForm(UserCreationForm):
    class Meta:
        model = User
        fields = ["username"]


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, label="What is it for?", initial="my script")
    scope = forms.ChoiceField(choices=ApiToken.Scope.choices, initial=ApiToken.Scope.WRITE, label="It may")
